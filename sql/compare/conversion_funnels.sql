-- conversion_funnels: the stages that differ from those the materialized view of this name shows.
--
-- Dialect  postgres
-- Grain    one row per funnel, breakdown value and stage to be inserted, updated or deleted: the columns as they are to
--          be; action
-- Inputs   pg_temp.staging_conversion_funnels, analytics.conversion_funnels
-- Order    funnel, breakdown, breakdown_value, stage_number

with

staged as (

    select
        funnel,
        breakdown,
        breakdown_value,
        stage_number,
        stage,
        reached,
        dropped,
        conversion_from_previous,
        conversion_from_start,
        median_hours_from_start,
        p90_hours_from_start,
        immature,
        is_gone
    from pg_temp.staging_conversion_funnels

),

standing as (

    select
        funnel,
        breakdown,
        breakdown_value,
        stage_number,
        stage,
        reached,
        dropped,
        conversion_from_previous,
        conversion_from_start,
        median_hours_from_start,
        p90_hours_from_start,
        immature
    from analytics.conversion_funnels

),

final as (

    select
        staged.funnel,
        staged.breakdown,
        staged.breakdown_value,
        staged.stage_number,
        staged.stage,
        staged.reached,
        staged.dropped,
        staged.conversion_from_previous,
        staged.conversion_from_start,
        staged.median_hours_from_start,
        staged.p90_hours_from_start,
        staged.immature,
        case
            when staged.is_gone then 'delete'
            when standing.funnel is null then 'insert'
            else 'update'
        end as action
    from staged
    left join standing
        on
            staged.funnel = standing.funnel
            and staged.breakdown = standing.breakdown
            and staged.breakdown_value = standing.breakdown_value
            and staged.stage_number = standing.stage_number
    where
        case
            when staged.is_gone then standing.funnel is not null
            else (
                staged.funnel,
                staged.breakdown,
                staged.breakdown_value,
                staged.stage_number,
                staged.stage,
                staged.reached,
                staged.dropped,
                staged.conversion_from_previous,
                staged.conversion_from_start,
                staged.median_hours_from_start,
                staged.p90_hours_from_start,
                staged.immature
            ) is distinct from (
                standing.funnel,
                standing.breakdown,
                standing.breakdown_value,
                standing.stage_number,
                standing.stage,
                standing.reached,
                standing.dropped,
                standing.conversion_from_previous,
                standing.conversion_from_start,
                standing.median_hours_from_start,
                standing.p90_hours_from_start,
                standing.immature
            )
        end

)

select * from final
order by funnel, breakdown, breakdown_value, stage_number
