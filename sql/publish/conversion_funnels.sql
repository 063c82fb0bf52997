-- conversion_funnels: the funnels that the materialized view of this name shows.
--
-- Dialect  postgres
-- Grain    one row in all: rows inserted, updated, deleted and skipped
-- Source   metrics.conversion_funnels
-- Inputs   pg_temp.staging_conversion_funnels
-- Target   analytics.conversion_funnels

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
        immature
    from pg_temp.staging_conversion_funnels

),

present as (

    select * from staged

),

changed as (

    select * from present
    except
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

written as (

    insert into analytics.conversion_funnels as target (
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
    )
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
    from changed
    order by funnel, breakdown, breakdown_value, stage_number
    on conflict (funnel, breakdown, breakdown_value, stage_number) do update set
        stage = excluded.stage,
        reached = excluded.reached,
        dropped = excluded.dropped,
        conversion_from_previous = excluded.conversion_from_previous,
        conversion_from_start = excluded.conversion_from_start,
        median_hours_from_start = excluded.median_hours_from_start,
        p90_hours_from_start = excluded.p90_hours_from_start,
        immature = excluded.immature
    returning target.xmax = 0 as is_new

),

removed as (

    delete from analytics.conversion_funnels as target
    where
        not exists (
            select 1
            from staged
            where
                staged.funnel = target.funnel
                and staged.breakdown = target.breakdown
                and staged.breakdown_value = target.breakdown_value
                and staged.stage_number = target.stage_number
        )
    returning 1

)

select
    (select count(*) from written where is_new) as inserted,
    (select count(*) from written where not is_new) as updated,
    (select count(*) from removed) as deleted,
    (select count(*) from staged) - (select count(*) from present) as skipped
