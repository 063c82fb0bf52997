-- agent_refresh: the refresh whose rows an agent's performance was computed from.
--
-- The moment is the one asked for: that refresh's own, or an earlier one.
--
-- +++
-- grain = "one row per refresh, of which this is the last"
-- explains = "agent_performance_metrics.last_calculated_at"
-- how = "value of the row"
-- empty = "null"
-- inputs = "meta.refreshes"
-- order = "taken_at"
-- +++

with

final as (

    select
        refresh_id,
        taken_at,
        snapshot,
        currency,
        timezone,
        cast($as_of as timestamptz) as value
    from meta.refreshes
    order by number desc
    limit 1

)

select * from final
order by taken_at
