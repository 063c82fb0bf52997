-- conversion_funnels: how many units of each funnel reached each stage, and how long half and nine in ten took.
--
-- Who reached a stage has reached all before it, so each unit counts up to the furthest stage it reached.
--
-- Dialect  postgres
-- Grain    one row per funnel and stage
-- Inputs   pg_temp.invite_funnel, pg_temp.gig_funnel, pg_temp.application_funnel, pg_temp.negotiation_funnel,
--          pg_temp.escrow_funnel
-- Units    conversion_* ratios 0 to 1; *_hours_from_start hours

create temporary table conversion_funnels on commit drop as

with

stages as (

    select
        funnels.funnel,
        stages.stage_number,
        stages.stage
    from (
        values
        (
            'invite',
            array['sent', 'opened', 'clicked', 'accepted', 'joined', 'verified', 'first_deal', 'completed_deal']
        ),
        ('gig', array['posted', 'applied', 'approved', 'dealt', 'completed', 'paid']),
        ('application', array['applied', 'reviewed', 'approved', 'dealt', 'completed', 'paid']),
        ('negotiation', array['opened', 'offered', 'countered', 'accepted', 'dealt']),
        ('escrow', array['created', 'locked', 'submitted', 'approved', 'released'])
    ) as funnels (funnel, stages)
    cross join unnest(funnels.stages) with ordinality as stages (stage, stage_number)

),

steps as (

    select
        'invite' as funnel,
        *
    from pg_temp.invite_funnel
    union all
    select
        'gig' as funnel,
        *
    from pg_temp.gig_funnel
    union all
    select
        'application' as funnel,
        *
    from pg_temp.application_funnel
    union all
    select
        'negotiation' as funnel,
        *
    from pg_temp.negotiation_funnel
    union all
    select
        'escrow' as funnel,
        *
    from pg_temp.escrow_funnel

),

units as (

    select
        funnel,
        max(stage_number) as furthest
    from steps
    group by funnel, unit_id

),

units_per_furthest as (

    select
        funnel,
        furthest,
        count(*) as units
    from units
    group by funnel, furthest

),

durations as (

    select
        funnel,
        stage_number,
        extract(epoch from reached_at - started_at) as seconds,
        row_number() over stage_by_duration - 1 as place,
        count(*) over (partition by funnel, stage_number) - 1 as last_place
    from steps
    where stage_number > 1 and reached_at >= started_at
    window stage_by_duration as (partition by funnel, stage_number order by reached_at - started_at asc)

),

-- As percentile_cont does, but in numeric: its doubles miss an exact half now and then. The two durations on either
-- side of the place asked for weigh as much as they are near it, all others nothing.
percentiles as (

    select
        funnel,
        stage_number,
        sum(seconds * greatest(0, 1 - abs(place - 0.5 * last_place))) as median_seconds,
        sum(seconds * greatest(0, 1 - abs(place - 0.9 * last_place))) as p90_seconds
    from durations
    group by funnel, stage_number

),

counted as (

    select
        stages.funnel,
        stages.stage_number,
        stages.stage,
        coalesce(sum(units_per_furthest.units), 0) as reached
    from stages
    left join units_per_furthest
        on stages.funnel = units_per_furthest.funnel and stages.stage_number <= units_per_furthest.furthest
    group by stages.funnel, stages.stage_number, stages.stage

),

final as (

    select
        counted.funnel,
        'all' as breakdown,
        'all' as breakdown_value,
        counted.stage_number,
        counted.stage,
        counted.reached,
        lag(counted.reached, 1, counted.reached) over stages_in_order - counted.reached as dropped,
        round(counted.reached / nullif(lag(counted.reached) over stages_in_order, 0), 6) as conversion_from_previous,
        round(counted.reached / nullif(first_value(counted.reached) over stages_in_order, 0), 6)
            as conversion_from_start,
        round(percentiles.median_seconds / 3600, 2) as median_hours_from_start,
        round(percentiles.p90_seconds / 3600, 2) as p90_hours_from_start,
        0 as immature
    from counted
    left join percentiles
        on counted.funnel = percentiles.funnel and counted.stage_number = percentiles.stage_number
    window stages_in_order as (partition by counted.funnel order by counted.stage_number asc)

)

select * from final
