-- contact_engagement: how each contact answered the invites sent to it.
--
-- Dialect  postgres
-- Grain    one row per contact
-- Inputs   public.contacts, public.invites
-- Params   %(as_of)s  timestamptz, exclusive
-- Units    response_rate percent, 0 where nothing was sent

create temporary table contact_engagement on commit drop as

with

invites_per_contact as (

    select
        contact_id,
        count(*) as sent,
        max(sent_at) as last_sent_at,
        count(*) filter (where opened_at < %(as_of)s) as opened,
        count(*) filter (where clicked_at < %(as_of)s) as clicked,
        max(opened_at) filter (where opened_at < %(as_of)s) as last_opened_at,
        max(clicked_at) filter (where clicked_at < %(as_of)s) as last_clicked_at,
        count(*) filter (
            where accepted_at < %(as_of)s or (accepted_at is null and status = 'accepted')
        ) as accepted
    from public.invites
    where sent_at < %(as_of)s
    group by contact_id

),

final as (

    select
        contacts.id as contact_id,
        coalesce(invites_per_contact.sent, 0) as total_invites_sent,
        invites_per_contact.last_sent_at as last_invite_sent_at,
        coalesce(invites_per_contact.opened, 0) as opened_count,
        coalesce(invites_per_contact.clicked, 0) as clicked_count,
        invites_per_contact.last_opened_at,
        invites_per_contact.last_clicked_at,
        coalesce(round(100.0 * invites_per_contact.accepted / invites_per_contact.sent, 2), 0) as response_rate
    from public.contacts as contacts
    left join invites_per_contact
        on contacts.id = invites_per_contact.contact_id

)

select * from final
