-- invite_templates: write how often each template was used and accepted where that differs.
--
-- A template that was deleted since the extraction is skipped.
--
-- Dialect  postgres
-- Grain    one row in all: rows inserted, updated, deleted and skipped
-- Source   metrics.invite_template_usage
-- From     template_id
-- Inputs   pg_temp.changes_invite_templates
-- Target   public.invite_templates
-- Key      id
-- Columns  times_used, acceptance_rate
-- Params   %(part)s  which part of the changes

with

changes as (

    select
        id,
        times_used,
        acceptance_rate,
        action
    from pg_temp.changes_invite_templates
    where part = %(part)s

),

updated as (

    update public.invite_templates as target
    set
        times_used = changes.times_used,
        acceptance_rate = changes.acceptance_rate
    from changes
    where
        target.id = changes.id
        and changes.action = 'update'
    returning target.id

),

counted as (

    select
        0 as inserted,
        (select count(*) from updated) as updated,
        0 as deleted,
        (select count(*) from changes) as changes

)

select
    inserted,
    updated,
    deleted,
    changes - inserted - updated - deleted as skipped
from counted
