-- agent_waits: each time an agent answered, and how long the others had waited.
--
-- +++
-- grain = "one row per reply"
-- explains = "agent_performance_metrics.response_time"
-- how = "mean of value / 3600000000"
-- decimals = 2
-- empty = "null"
-- inputs = "metrics.agent_replies"
-- units = "value in microseconds, hours in hours"
-- order = "replied_at, message_id"
--
-- [params]
-- key = "id of the agent"
-- +++

with

final as (

    select
        conversation_id,
        message_id,
        waiting_since,
        replied_at,
        wait_microseconds as value,
        cast((2 * 100 * cast(wait_microseconds as hugeint) + 3600000000) // 7200000000 as decimal(38, 0))
        * 0.01 as hours
    from metrics.agent_replies
    where agent_id = cast($key as uuid)

)

select * from final
order by replied_at, message_id
