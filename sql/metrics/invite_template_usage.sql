-- invite_template_usage: how often each invite template was sent, and how often it was accepted.
--
-- Accepted as in contact_engagement. Invites whose template no longer exists belong to none.
--
-- +++
-- topic = "invites"
-- grain = "one row per template; one never sent is kept, with times_used 0 and no rate"
-- inputs = ["raw.invite_templates", "raw.invites"]
-- order = "template_id"
--
-- [params]
-- as_of = "timestamptz, exclusive"
--
-- [columns]
-- template_id = "the template"
-- times_used = ["invites", "sent invites with this template"]
-- acceptance_rate = ["percent", "100 x accepted / sent, null where it was never used"]
--
-- [targets.invite_templates]
-- table = "public.invite_templates"
-- key = "id"
-- origin = "template_id"
-- every = "template"
-- columns = ["times_used", "acceptance_rate"]
-- +++

with

invites_per_template as (

    select
        template_id,
        count(*) as times_used,
        count(case when coalesce(accepted_at < $as_of, status = 'accepted', false) then 1 end) as accepted
    from raw.invites
    where sent_at < $as_of
    group by template_id

),

final as (

    select
        invite_templates.id as template_id,
        coalesce(invites_per_template.times_used, 0) as times_used,
        cast(
            (2 * 10000 * invites_per_template.accepted + invites_per_template.times_used)
            // (2 * invites_per_template.times_used) as decimal(38, 0)
        ) * 0.01 as acceptance_rate
    from raw.invite_templates as invite_templates
    left join invites_per_template
        on invite_templates.id = invites_per_template.template_id

)

select * from final
order by template_id
