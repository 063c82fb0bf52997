-- conversion_funnels: how many units reached each stage of each funnel, and how long that took.
--
-- funnel_units holds, per unit, the stages it reached on its own, each with the earliest known time (null:
-- unknown); the library fills it from sql/funnels. With $within_microseconds a later stage counts only
-- by a known time within it of stage 1. A unit that reached a stage has reached all before it; implied
-- stages have no time. Percentiles interpolate linearly, as percentile_cont does, in whole numbers.
-- A breakdown value has rows where it has entrants in the window; not broken down, every stage has one.
--
-- +++
-- topic = "marketplace"
-- grain = "one row per funnel, breakdown value and stage"
-- inputs = ["funnel_stages", "funnel_units"]
-- order = "funnel, breakdown_value, stage_number"
--
-- [columns]
-- funnel = "name of the funnel"
-- breakdown = "attribute the units are broken down by, all where they are not"
-- breakdown_value = "value of that attribute, (none) for null, all where they are not broken down; never null"
-- stage_number = "place of the stage, from 1"
-- stage = "name of the stage"
-- reached = ["units", "units that got to the stage or beyond it"]
-- dropped = ["units", "reached of the stage before minus this one's, 0 for stage 1"]
-- conversion_from_previous = [
--     "ratio",
--     "reached / reached of the stage before, null for stage 1 and where that is 0",
-- ]
-- conversion_from_start = ["ratio", "reached / reached of stage 1, which is 1 for stage 1; null where nobody entered"]
-- median_hours_from_start = [
--     "hours",
--     """
--     half of the units whose own time at the stage is known and not before stage 1 needed no longer; a continuous
--     percentile, interpolated linearly; null for stage 1""",
-- ]
-- p90_hours_from_start = ["hours", "nine in ten of them needed no longer, likewise; null for stage 1"]
-- immature = [
--     "units",
--     """
--     entrants of this breakdown value whose time within is not over at as_of, the same on each of its rows; 0 without
--     within""",
-- ]
--
-- [targets.conversion_funnels]
-- table = "analytics.conversion_funnels"
-- key = ["funnel", "breakdown", "breakdown_value", "stage_number"]
-- indexes = { stage = ["funnel", "breakdown", "breakdown_value", "stage_number"] }
--
-- [targets.conversion_funnels.types]
-- funnel = "text"
-- breakdown = "text"
-- breakdown_value = "text"
-- stage_number = "bigint"
-- stage = "text"
-- reached = "bigint"
-- dropped = "bigint"
-- conversion_from_previous = "numeric"
-- conversion_from_start = "numeric"
-- median_hours_from_start = "numeric"
-- p90_hours_from_start = "numeric"
-- immature = "bigint"
-- +++

with

entrants as (

    select * from funnel_units
    where
        ($since is null or started_at >= cast($since as timestamptz))
        and started_at < cast($until as timestamptz)

),

furthest as (

    select
        funnel,
        breakdown_value,
        started_at,
        list_max(
            list_transform(
                stages,
                lambda stage:
                case
                    when
                        stage['stage_number'] = 1
                        or cast($within_microseconds as bigint) is null
                        or epoch_us(stage['reached_at']) - epoch_us(started_at)
                        <= cast($within_microseconds as bigint)
                        then stage['stage_number']
                end
            )
        ) as stage_number
    from entrants

),

furthest_counts as (

    select
        funnel,
        breakdown_value,
        stage_number,
        count(*) as units,
        count(
            case
                when
                    cast($within_microseconds as bigint)
                    > epoch_us(cast($as_of as timestamptz)) - epoch_us(started_at)
                    then 1
            end
        ) as immature
    from furthest
    group by funnel, breakdown_value, stage_number

),

breakdown_values as (

    select distinct
        funnel,
        breakdown_value
    from furthest_counts

    union

    select distinct
        funnel,
        'all' as breakdown_value
    from funnel_stages
    where breakdown = 'all'

),

-- Who got to a stage or beyond it has reached it.
counts as (

    select
        funnel_stages.funnel,
        funnel_stages.breakdown,
        breakdown_values.breakdown_value,
        funnel_stages.stage_number,
        funnel_stages.stage,
        cast(
            coalesce(
                sum(
                    case
                        when furthest_counts.stage_number >= funnel_stages.stage_number then furthest_counts.units
                    end
                ),
                0
            ) as bigint
        ) as reached,
        cast(coalesce(sum(furthest_counts.units), 0) as bigint) as entered,
        cast(coalesce(sum(furthest_counts.immature), 0) as bigint) as immature
    from funnel_stages
    inner join breakdown_values
        on funnel_stages.funnel = breakdown_values.funnel
    left join furthest_counts
        on
            breakdown_values.funnel = furthest_counts.funnel
            and breakdown_values.breakdown_value = furthest_counts.breakdown_value
    group by
        funnel_stages.funnel,
        funnel_stages.breakdown,
        breakdown_values.breakdown_value,
        funnel_stages.stage_number,
        funnel_stages.stage

),

dropped as (

    select
        *,
        lag(reached) over (partition by funnel, breakdown_value order by stage_number) as reached_before
    from counts

),

reached as (

    select
        funnel,
        breakdown_value,
        started_at,
        unnest(stages) as stage
    from entrants

),

elapsed_times as (

    select
        funnel,
        breakdown_value,
        stage['stage_number'] as stage_number,
        epoch_us(stage['reached_at']) - epoch_us(started_at) as elapsed
    from reached
    where stage['stage_number'] > 1

),

-- In order, so that the value at a position is the one in that place.
timed as (

    select
        funnel,
        breakdown_value,
        stage_number,
        count(*) - 1 as last_position,
        list_sort(list(elapsed)) as in_order
    from elapsed_times
    where
        elapsed >= 0
        and (
            cast($within_microseconds as bigint) is null
            or elapsed <= cast($within_microseconds as bigint)
        )
    group by funnel, breakdown_value, stage_number

),

-- The median lies at last / 2, the 90th percentile at 9 x last / 10: between two neighbours, in tenths.
neighbours as (

    select
        funnel,
        breakdown_value,
        stage_number,
        last_position,
        in_order[last_position // 2 + 1] as median_low,
        in_order[(last_position + 1) // 2 + 1] as median_high,
        in_order[9 * last_position // 10 + 1] as p90_low,
        in_order[(9 * last_position + 9) // 10 + 1] as p90_high
    from timed

),

-- 360,000,000 microseconds are a tenth of an hour, 36,000,000 a hundredth.
times as (

    select
        funnel,
        breakdown_value,
        stage_number,
        (median_low + median_high + 36000000) // 72000000 as median_hundredths,
        (
            2 * (10 * p90_low + 9 * last_position % 10 * (p90_high - p90_low)) + 360000000
        ) // 720000000 as p90_hundredths
    from neighbours

),

final as (

    select
        dropped.funnel,
        dropped.breakdown,
        dropped.breakdown_value,
        dropped.stage_number,
        dropped.stage,
        dropped.reached,
        coalesce(dropped.reached_before - dropped.reached, 0) as dropped,
        cast(
            (2 * 1000000 * dropped.reached + dropped.reached_before)
            // (2 * nullif(dropped.reached_before, 0)) as decimal(38, 0)
        ) * 0.000001 as conversion_from_previous,
        cast(
            (2 * 1000000 * dropped.reached + dropped.entered) // (2 * nullif(dropped.entered, 0)) as decimal(38, 0)
        ) * 0.000001 as conversion_from_start,
        cast(times.median_hundredths as decimal(38, 0)) * 0.01 as median_hours_from_start,
        cast(times.p90_hundredths as decimal(38, 0)) * 0.01 as p90_hours_from_start,
        dropped.immature
    from dropped
    left join times
        on
            dropped.funnel = times.funnel
            and dropped.breakdown_value = times.breakdown_value
            and dropped.stage_number = times.stage_number

)

select * from final
order by funnel, breakdown_value, stage_number
