-- invite_templates: how often each template was sent, and how many of those invites were accepted.
--
-- Dialect  postgres
-- Grain    one row per template
-- Inputs   public.invite_templates, public.invites
-- Params   %(as_of)s  timestamptz, exclusive
-- Units    acceptance_rate percent, null where the template was never sent

create temporary table invite_templates on commit drop as

with

invites_per_template as (

    select
        template_id,
        count(*) as sent,
        count(*) filter (
            where accepted_at < %(as_of)s or (accepted_at is null and status = 'accepted')
        ) as accepted
    from public.invites
    where sent_at < %(as_of)s
    group by template_id

),

final as (

    select
        invite_templates.id as template_id,
        coalesce(invites_per_template.sent, 0) as times_used,
        round(100.0 * invites_per_template.accepted / invites_per_template.sent, 2) as acceptance_rate
    from public.invite_templates as invite_templates
    left join invites_per_template
        on invite_templates.id = invites_per_template.template_id

)

select * from final
