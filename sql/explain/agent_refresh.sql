-- agent_refresh: the refresh that computed an agent's performance.
--
-- Dialect   duckdb
-- Grain     one row per refresh, of which this is the last as of that moment
-- Explains  agent_performance_metrics.last_calculated_at
-- How       value of the row
-- Empty     null
-- Inputs    meta.refreshes
-- Params    $as_of  timestamptz
-- Order     taken_at

with

final as (

    select
        refresh_id,
        taken_at,
        snapshot,
        currency,
        timezone,
        as_of as value
    from meta.refreshes
    where as_of = $as_of
    order by taken_at desc
    limit 1

)

select * from final
order by taken_at
