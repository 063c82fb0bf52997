-- invite_templates: write how often each template was used and accepted where that differs.
--
-- A row that was deleted since the extraction is skipped.
--
-- Dialect  postgres
-- Grain    one row in all: rows inserted, updated, deleted and skipped
-- Source   metrics.invite_template_usage
-- Inputs   pg_temp.staging_invite_templates
-- Target   public.invite_templates

with

staged as (

    select
        template_id,
        times_used,
        acceptance_rate
    from pg_temp.staging_invite_templates

),

present as (

    select staged.*
    from staged
    inner join public.invite_templates as target
        on staged.template_id = target.id

),

changed as (

    select * from present
    except
    select
        id,
        times_used,
        acceptance_rate
    from public.invite_templates

),

written as (

    update public.invite_templates as target
    set
        times_used = changed.times_used,
        acceptance_rate = changed.acceptance_rate
    from changed
    where target.id = changed.template_id
    returning 1

)

select
    0 as inserted,
    (select count(*) from written) as updated,
    0 as deleted,
    (select count(*) from staged) - (select count(*) from present) as skipped
