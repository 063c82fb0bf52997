-- funnel_attributes: the stage that a row of a funnel speaks of.
--
-- +++
-- grain = "one row per stage asked for, as the file of the funnel declares it"
-- explains = [
--     "conversion_funnels.funnel", "conversion_funnels.breakdown", "conversion_funnels.breakdown_value",
--     "conversion_funnels.stage_number", "conversion_funnels.stage",
-- ]
-- how = "value of the row"
-- inputs = "explained_stages"
-- units = "value as text"
-- order = "stage_number"
--
-- [params]
-- stage_number = "bigint, from 1"
-- column = "the column explained"
-- +++

with

final as (

    select
        funnel,
        breakdown,
        breakdown_value,
        stage_number,
        stage,
        case $column
            when 'funnel' then funnel
            when 'breakdown' then breakdown
            when 'breakdown_value' then breakdown_value
            when 'stage_number' then cast(stage_number as varchar)
            when 'stage' then stage
        end as value
    from explained_stages
    where stage_number = cast($stage_number as bigint)

)

select * from final
order by stage_number
