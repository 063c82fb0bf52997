-- withdrawals: what users asked to be paid out.
--
-- A withdrawal is completed by its status, and not only at or after as_of; pending ones are so by their status at
-- extraction.
--
-- +++
-- topic = "people"
-- grain = "one row per withdrawal request"
-- inputs = "raw.withdrawals"
-- key = "withdrawal_id"
-- row = { withdrawals = "withdrawal_id" }
-- time = "created_at"
-- currency = "currency"
-- links = { user = "user_id", agent = "user_id" }
--
-- [columns]
-- withdrawal_id = "the request"
-- created_at = ["time", "it was made"]
-- user_id = "who is paid"
-- method = "how"
-- currency = "trimmed, in lower case, usd where there was none"
-- status = "at extraction"
-- amount = ["reporting currency", "asked for"]
-- is_completed = "status completed, and not completed only after as_of"
-- is_pending = "status pending or processing"
--
-- [measures]
-- withdrawals = ["withdrawals", "count(*)", "withdrawals asked for, of any status"]
-- withdrawn = [
--     "reporting currency", "sum(amount) filter (where is_completed)",
--     "money paid out by completed withdrawals",
-- ]
-- withdrawals_pending = [
--     "withdrawals", "count(*) filter (where is_pending)",
--     "withdrawals that are pending or processing",
-- ]
-- pending_withdrawal_amount = [
--     "reporting currency", "sum(amount) filter (where is_pending)",
--     "money asked for by withdrawals that are pending or processing",
-- ]
-- +++

select
    id as withdrawal_id,
    created_at,
    user_id,
    method,
    coalesce(lower(trim(currency, ' ')), 'usd') as currency,
    status,
    amount,
    coalesce(status = 'completed' and coalesce(completed_at < $as_of, true), false) as is_completed,
    coalesce(status in ('pending', 'processing'), false) as is_pending
from raw.withdrawals
where created_at < $as_of
