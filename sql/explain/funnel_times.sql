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
--
-- [params]
-- stage_number = "bigint, from 1"
-- +++

with

timed as (

    select
        unit_id,
        started_at,
        reached_at,
        epoch_us(reached_at) - epoch_us(started_at) as value
    from explained_units
    where
        stage_number = cast($stage_number as bigint)
        and stage_number > 1
        and ($since is null or started_at >= cast($since as timestamptz))
        and started_at < cast($until as timestamptz)

),

final as (

    select
        *,
        cast((2 * 100 * cast(value as hugeint) + 3600000000) // 7200000000 as decimal(38, 0)) * 0.01 as hours
    from timed
    where
        value >= 0
        and (
            cast($within_microseconds as bigint) is null
            or value <= cast($within_microseconds as bigint)
        )

)

select * from final
order by value, unit_id
