-- bonuses: what agents earned on top of their commissions.
--
-- +++
-- topic = "agents"
-- grain = "one row per bonus of an agent"
-- inputs = "raw.agent_bonuses"
-- key = "bonus_id"
-- row = { agent_bonuses = "bonus_id" }
-- time = "earned_at"
-- links = { agent = "agent_id" }
--
-- [columns]
-- bonus_id = "the bonus"
-- earned_at = ["time", "it was earned"]
-- agent_id = "by whom"
-- period = "monthly or quarterly"
-- type = "performance, milestone or tier_upgrade"
-- status = "at extraction"
-- is_paid = "status paid, and not paid only after as_of"
-- amount = ["usd", "earned"]
--
-- [measures]
-- bonuses = ["bonuses", "count(*)", "bonuses of agents, of any status"]
-- bonus_amount = ["usd", "sum(amount)", "bonuses that agents earned, paid or not"]
-- +++

select
    id as bonus_id,
    earned_at,
    agent_id,
    period,
    bonus_type as type,
    status,
    coalesce(status = 'paid' and coalesce(paid_at < $as_of, true), false) as is_paid,
    amount
from raw.agent_bonuses
where earned_at < $as_of
