-- contact_engagement: what became of the invites each contact was sent.
--
-- An invite counts as accepted as in the invite funnel's own stage, without what later stages imply: by
-- accepted_at, or where that is null by its status. Acceptance before sending counts.
--
-- +++
-- topic = "invites"
-- grain = "one row per contact; one that was never sent an invite is kept, with counts of zero"
-- inputs = ["raw.contacts", "raw.invites"]
-- order = "contact_id"
--
-- [params]
-- as_of = "timestamptz, exclusive"
--
-- [columns]
-- contact_id = "the contact"
-- total_invites_sent = ["invites", "invites sent to the contact before as_of"]
-- last_invite_sent_at = ["time", "the latest of them was sent, null without any"]
-- opened_count = ["invites", "those opened before as_of"]
-- clicked_count = ["invites", "those whose link was clicked before as_of"]
-- last_opened_at = ["time", "the latest opening, null without any"]
-- last_clicked_at = ["time", "the latest click, null without any"]
-- response_rate = ["percent", "100 x accepted / sent, null where none was sent (0 in Postgres)"]
--
-- [targets.contact_engagement]
-- table = "public.contact_engagement"
-- key = "contact_id"
-- every = "contact"
-- columns = [
--     "total_invites_sent", "last_invite_sent_at", "opened_count", "clicked_count", "last_opened_at",
--     "last_clicked_at", "response_rate",
-- ]
-- +++

with

sent_invites as (

    select
        contact_id,
        sent_at,
        case when opened_at < $as_of then opened_at end as opened_at,
        case when clicked_at < $as_of then clicked_at end as clicked_at,
        coalesce(accepted_at < $as_of, status = 'accepted', false) as is_accepted
    from raw.invites
    where sent_at < $as_of

),

invites_per_contact as (

    select
        contact_id,
        count(*) as total_invites_sent,
        max(sent_at) as last_invite_sent_at,
        count(opened_at) as opened_count,
        count(clicked_at) as clicked_count,
        max(opened_at) as last_opened_at,
        max(clicked_at) as last_clicked_at,
        (2 * 10000 * count(case when is_accepted then 1 end) + count(*)) // (2 * count(*)) as response_hundredths
    from sent_invites
    group by contact_id

),

final as (

    select
        contacts.id as contact_id,
        coalesce(invites_per_contact.total_invites_sent, 0) as total_invites_sent,
        invites_per_contact.last_invite_sent_at,
        coalesce(invites_per_contact.opened_count, 0) as opened_count,
        coalesce(invites_per_contact.clicked_count, 0) as clicked_count,
        invites_per_contact.last_opened_at,
        invites_per_contact.last_clicked_at,
        cast(invites_per_contact.response_hundredths as decimal(38, 0)) * 0.01 as response_rate
    from raw.contacts as contacts
    left join invites_per_contact
        on contacts.id = invites_per_contact.contact_id

)

select * from final
order by contact_id
