-- funnel_conversions: how many units reached a stage, and how many the stage it is compared with.
--
-- +++
-- grain = "one row per stage compared; the first stage has none before it"
-- explains = ["conversion_funnels.conversion_from_previous", "conversion_funnels.conversion_from_start"]
-- how = "first value / second value"
-- decimals = 6
-- empty = "null"
-- inputs = ["explained_stages", "explained_units"]
-- units = "value counts units"
-- order = "place"
--
-- [params]
-- stage_number = "bigint, from 1"
-- column = "the column explained"
-- +++

with

compared as (

    select
        1 as place,
        cast($stage_number as bigint) as stage_number

    union all

    select
        2 as place,
        case $column when 'conversion_from_previous' then cast($stage_number as bigint) - 1 else 1 end as stage_number

),

final as (

    select
        compared.place,
        stages.stage_number,
        stages.stage,
        count(units.unit_id) as value
    from compared
    inner join explained_stages as stages
        on compared.stage_number = stages.stage_number
    left join explained_units as units
        on stages.stage_number <= units.furthest_stage
    group by compared.place, stages.stage_number, stages.stage

)

select * from final
order by place
