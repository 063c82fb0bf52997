-- pending_commissions: commissions of agents that are not paid yet.
--
-- +++
-- topic = "agents"
-- grain = "one row per transaction of type agent_commission with status pending"
-- inputs = "raw.transactions"
-- key = "transaction_id"
-- row = { transactions = "transaction_id" }
-- time = "created_at"
-- currency = "currency"
-- links = { agent = "to_user_id", user = "to_user_id", payer = ["user", "from_user_id"], gig = "gig_id" }
--
-- [columns]
-- transaction_id = "the transaction"
-- created_at = ["time", "it was made"]
-- currency = "trimmed, in lower case, usd where there was none"
-- amount = ["reporting currency", "to be paid; the fee is not deducted"]
-- from_user_id = "who is to pay"
-- to_user_id = "who is to be paid"
-- gig_id = "the gig"
--
-- [measures]
-- pending_commissions = ["transactions", "count(*)", "commissions still to be paid"]
-- pending_commission_amount = [
--     "reporting currency", "sum(amount)",
--     "commissions still to be paid, to agents and to whomever else",
-- ]
-- +++

select
    id as transaction_id,
    created_at,
    coalesce(lower(trim(currency, ' ')), 'usd') as currency,
    amount,
    from_user_id,
    to_user_id,
    gig_id
from raw.transactions
where
    type = 'agent_commission'
    and status = 'pending'
    and created_at < $as_of
