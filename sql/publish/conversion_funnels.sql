-- conversion_funnels: the funnels that the materialized view of this name shows.
--
-- Dialect  postgres
-- Grain    one row in all: rows inserted, updated, deleted and skipped
-- Source   metrics.conversion_funnels
-- Inputs   pg_temp.changes_conversion_funnels
-- Target   analytics.conversion_funnels
-- Key      funnel, breakdown, breakdown_value, stage_number
-- Columns  stage, reached, dropped, conversion_from_previous, conversion_from_start, median_hours_from_start,
--          p90_hours_from_start, immature
-- Params   %(part)s  which part of the changes

with

changes as (

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
        action
    from pg_temp.changes_conversion_funnels
    where part = %(part)s

),

inserted as (

    insert into analytics.conversion_funnels (
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
    from changes
    where action = 'insert'
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
    returning funnel

),

updated as (

    update analytics.conversion_funnels as target
    set
        stage = changes.stage,
        reached = changes.reached,
        dropped = changes.dropped,
        conversion_from_previous = changes.conversion_from_previous,
        conversion_from_start = changes.conversion_from_start,
        median_hours_from_start = changes.median_hours_from_start,
        p90_hours_from_start = changes.p90_hours_from_start,
        immature = changes.immature
    from changes
    where
        target.funnel = changes.funnel
        and target.breakdown = changes.breakdown
        and target.breakdown_value = changes.breakdown_value
        and target.stage_number = changes.stage_number
        and changes.action = 'update'
    returning target.funnel

),

deleted as (

    delete from analytics.conversion_funnels as target
    using changes
    where
        target.funnel = changes.funnel
        and target.breakdown = changes.breakdown
        and target.breakdown_value = changes.breakdown_value
        and target.stage_number = changes.stage_number
        and changes.action = 'delete'
    returning target.funnel

),

counted as (

    select
        (select count(*) from inserted) as inserted,
        (select count(*) from updated) as updated,
        (select count(*) from deleted) as deleted,
        (select count(*) from changes) as changes

)

select
    inserted,
    updated,
    deleted,
    changes - inserted - updated - deleted as skipped
from counted
