-- agent_waits: each time an agent answered, and how long the others had waited.
--
-- Dialect   duckdb
-- Grain     one row per reply
-- Explains  agent_performance_metrics.response_time
-- How       mean of value / 3600000000
-- Decimals  2
-- Empty     null
-- Inputs    metrics.agent_replies
-- Params    $key  id of the agent
-- Units     value in microseconds, hours in hours
-- Order     replied_at, message_id

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
