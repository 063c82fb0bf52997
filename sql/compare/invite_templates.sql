-- invite_templates: the templates of which it differs how often they were used and accepted.
--
-- A template that was deleted since the extraction is skipped.
--
-- Dialect  postgres
-- Grain    one row per template to be updated or skipped: the columns as they are to be; action
-- Inputs   pg_temp.staging_invite_templates, public.invite_templates
-- Order    id

with

staged as (

    select
        id,
        times_used,
        acceptance_rate,
        is_gone
    from pg_temp.staging_invite_templates

),

standing as (

    select
        id,
        times_used,
        acceptance_rate
    from public.invite_templates

),

final as (

    select
        staged.id,
        staged.times_used,
        staged.acceptance_rate,
        case when standing.id is null then 'skip' else 'update' end as action
    from staged
    left join standing
        on staged.id = standing.id
    where
        not staged.is_gone
        and (
            staged.id,
            staged.times_used,
            staged.acceptance_rate
        ) is distinct from (
            standing.id,
            standing.times_used,
            standing.acceptance_rate
        )

)

select * from final
order by id
