-- time_to_convert: how long units took from the start of a funnel to one of its stages, as percentiles.
--
-- Percentile 0 is the quickest unit, 50 the median, 100 the slowest; linear interpolation, in whole numbers, as
-- in conversion_funnels. Timed are units whose own time at the stage is known and not before their start.
--
-- +++
-- grain = "one row per breakdown value and percentile 0 to 100, none where no unit has a time"
-- inputs = "funnel_units"
-- units = "hours_from_start in hours; units is how many were timed"
-- order = "breakdown_value, percentile"
--
-- [params]
-- funnel = "its name"
-- breakdown = "what it is broken down by, or all"
-- stage = "the name of the stage"
-- +++

with

timed as (

    select
        breakdown_value,
        cast(elapsed as hugeint) as elapsed
    from funnel_units
    where elapsed is not null

),

numbered as (

    select
        breakdown_value,
        elapsed,
        row_number() over (partition by breakdown_value order by elapsed) - 1 as position
    from timed

),

units_per_value as (

    select
        breakdown_value,
        count(*) as units
    from timed
    group by breakdown_value

),

-- A percentile lies between two neighbours, so many hundredths of the way.
places as (

    select
        units_per_value.breakdown_value,
        units_per_value.units,
        percentiles.percentile,
        percentiles.percentile * (units_per_value.units - 1) // 100 as below,
        (percentiles.percentile * (units_per_value.units - 1) + 99) // 100 as above,
        percentiles.percentile * (units_per_value.units - 1) % 100 as hundredths
    from units_per_value
    cross join unnest(generate_series(0, 100)) as percentiles (percentile)

),

final as (

    select
        cast($funnel as varchar) as funnel,
        cast($breakdown as varchar) as breakdown,
        places.breakdown_value,
        cast($stage as varchar) as stage,
        places.percentile,
        cast(
            (2 * (100 * lower.elapsed + places.hundredths * (upper.elapsed - lower.elapsed)) + 3600000000)
            // 7200000000 as decimal(38, 0)
        ) * 0.01 as hours_from_start,
        places.units
    from places
    inner join numbered as lower
        on
            places.breakdown_value = lower.breakdown_value
            and places.below = lower.position
    inner join numbered as upper
        on
            places.breakdown_value = upper.breakdown_value
            and places.above = upper.position

)

select * from final
order by breakdown_value, percentile
