-- stopped: the units that got to one stage of a funnel and to none after it.
--
-- Who reached a later stage, even by implication, did not stop here; so there are as many as conversion_funnels
-- calls dropped at the next stage. At the last stage these are the units that went all the way.
--
-- +++
-- grain = "one row per unit"
-- inputs = "funnel_units"
-- units = "reached_at is null where the time is unknown; immature units may yet go on within their time"
-- order = "started_at, unit_id"
--
-- [params]
-- stage_number = "bigint"
-- +++

with

final as (

    select
        unit_id,
        started_at,
        reached_at,
        is_immature as immature
    from funnel_units
    where furthest_stage = $stage_number

)

select * from final
order by started_at, unit_id
