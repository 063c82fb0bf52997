-- funnel_times: the units whose time from the first stage to this one is known, and how long it was.
--
-- A time before the first stage is left out, and the first stage has none. p90 is the 90th percentile; both
-- percentiles interpolate linearly.
--
-- +++
-- grain = "one row per unit"
-- explains = ["conversion_funnels.median_hours_from_start", "conversion_funnels.p90_hours_from_start"]
-- decimals = 2
-- empty = "null"
-- inputs = "explained_units"
-- units = "value in microseconds, hours in hours"
-- order = "value, unit_id"
--
-- [how]
-- median_hours_from_start = "median of value / 3600000000"
-- p90_hours_from_start = "p90 of value / 3600000000"
-- +++

with

final as (

    select
        unit_id,
        started_at,
        reached_at,
        elapsed as value,
        cast((2 * 100 * cast(elapsed as hugeint) + 3600000000) // 7200000000 as decimal(38, 0)) * 0.01 as hours
    from explained_units
    where elapsed is not null

)

select * from final
order by value, unit_id
