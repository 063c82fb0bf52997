-- payments: money that changed hands, once per completed transaction.
--
-- +++
-- topic = "marketplace"
-- grain = "one row per completed transaction, whatever its type and currency"
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
-- type = "what it was for"
-- currency = "trimmed, in lower case, usd where there was none"
-- amount = ["reporting currency", "the sum moved"]
-- from_user_id = "who paid"
-- to_user_id = "who was paid"
-- gig_id = "the gig"
-- job_id = "the escrow job"
--
-- [measures]
-- commission = [
--     "reporting currency", "sum(amount) filter (where type = 'agent_commission')",
--     "commissions paid to agents, and to whomever else; fees are not deducted",
-- ]
-- commissions = ["transactions", "count(*) filter (where type = 'agent_commission')", "commissions paid"]
-- mean_commission = [
--     "reporting currency", "mean(amount) filter (where type = 'agent_commission')",
--     "what one commission was, on average",
-- ]
-- platform_revenue = [
--     "reporting currency", "sum(amount) filter (where type = 'commission_deduct')",
--     "what the platform kept of payments",
-- ]
-- refunds = ["reporting currency", "sum(amount) filter (where type = 'refund')", "money given back"]
-- +++

select
    id as transaction_id,
    created_at,
    type,
    -- coalesce comes last: DuckDB then trims each currency once, not once per row.
    coalesce(lower(trim(currency, ' ')), 'usd') as currency,
    amount,
    from_user_id,
    to_user_id,
    gig_id,
    job_id
from raw.transactions
where
    status = 'completed'
    and created_at < $as_of
