-- funnel_units: the units that reached a stage, that stopped just before it, or that had too little time.
--
-- explained_units holds, per unit of one breakdown value and stage it reached on its own, the earliest known time
-- (null: unknown). evidence says how a unit came to count for the stage: by a known time, by something that
-- happened at an unknown time, or because it reached a later stage; null where it did not reach it.
--
-- +++
-- grain = "one row per unit"
-- explains = ["conversion_funnels.reached", "conversion_funnels.dropped", "conversion_funnels.immature"]
-- how = "number of rows"
-- inputs = "explained_units"
-- units = "furthest_stage is the number of the last stage the unit reached"
-- order = "started_at, unit_id"
--
-- [params]
-- stage_number = "bigint, from 1"
-- column = "the column explained"
-- +++

with

counted as (

    select * from explained_units
    where
        ($since is null or started_at >= cast($since as timestamptz))
        and started_at < cast($until as timestamptz)
        and (
            stage_number = 1
            or cast($within_microseconds as bigint) is null
            or epoch_us(reached_at) - epoch_us(started_at) <= cast($within_microseconds as bigint)
        )

),

furthest as (

    select
        unit_id,
        min(started_at) as started_at,
        max(stage_number) as furthest_stage
    from counted
    group by unit_id

),

at_stage as (

    select * from counted
    where stage_number = cast($stage_number as bigint)

),

final as (

    select
        furthest.unit_id,
        furthest.started_at,
        at_stage.reached_at,
        case
            when at_stage.reached_at is not null then 'known time'
            when at_stage.unit_id is not null then 'unknown time'
            when furthest.furthest_stage > cast($stage_number as bigint) then 'later stage'
        end as evidence,
        furthest.furthest_stage
    from furthest
    left join at_stage
        on furthest.unit_id = at_stage.unit_id
    where
        case $column
            when 'reached' then furthest.furthest_stage >= cast($stage_number as bigint)
            when 'dropped' then furthest.furthest_stage = cast($stage_number as bigint) - 1
            when 'immature'
                then
                    cast($within_microseconds as bigint)
                    > epoch_us(cast($as_of as timestamptz)) - epoch_us(furthest.started_at)
        end

)

select * from final
order by started_at, unit_id
