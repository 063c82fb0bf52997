-- agent_conversions: an agent's accepted invites, and how long each took.
--
-- +++
-- grain = "one row per invite accepted at a known time, not before it was sent"
-- explains = "agent_performance_metrics.average_conversion_time"
-- how = "mean of value / 86400000000"
-- decimals = 2
-- empty = "null"
-- inputs = "raw.invites"
-- units = "value in microseconds, days in days"
-- order = "accepted_at, invite_id"
--
-- [params]
-- key = "id of the agent"
-- +++

with

conversions as (

    select
        id as invite_id,
        sent_at,
        accepted_at,
        epoch_us(accepted_at) - epoch_us(sent_at) as value
    from raw.invites
    where
        agent_id = cast($key as uuid)
        and accepted_at >= sent_at
        and accepted_at < $as_of

),

final as (

    select
        *,
        cast((2 * 100 * cast(value as hugeint) + 86400000000) // 172800000000 as decimal(38, 0)) * 0.01 as days
    from conversions

)

select * from final
order by accepted_at, invite_id
