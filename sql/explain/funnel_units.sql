-- funnel_units: the units that reached a stage, that stopped just before it, or that had too little time.
--
-- explained_units holds the units of one breakdown value, and whether and when each reached this stage by an event of
-- its own. evidence says how a unit came to count for the stage: by a known time, by something that
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

final as (

    select
        unit_id,
        started_at,
        reached_at,
        case
            when reached_at is not null then 'known time'
            when is_own then 'unknown time'
            when furthest_stage > cast($stage_number as bigint) then 'later stage'
        end as evidence,
        furthest_stage
    from explained_units
    where
        case $column
            when 'reached' then furthest_stage >= cast($stage_number as bigint)
            when 'dropped' then furthest_stage = cast($stage_number as bigint) - 1
            when 'immature' then is_immature
        end

)

select * from final
order by started_at, unit_id
