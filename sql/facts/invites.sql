-- invites: invites that were sent, and what became of each.
--
-- Whether a stage was reached, and when, is as of as_of; a time that is null is unknown, or the stage was not reached.
--
-- +++
-- topic = "invites"
-- grain = "one row per sent invite"
-- inputs = ["raw.invites", "raw.users", "raw.deals"]
-- key = "invite_id"
-- unit = { id = "invite_id" }
-- row = { invites = "invite_id" }
-- time = "sent_at"
-- funnel = "invite"
-- links = { agent = "agent_id", contact = "contact_id", template = "template_id" }
--
-- [stands_on]
-- users = "converted_user_id = id"
-- deals = ["converted_user_id = influencer_id", "converted_user_id = sponsor_id"]
--
-- [columns]
-- invite_id = "the invite"
-- sent_at = ["time", "it was sent"]
-- method = "how it was sent"
-- status = "at extraction"
-- agent_id = "the sender"
-- contact_id = "to whom"
-- template_id = "with which template"
-- opened_at = ["time", "it was opened"]
-- clicked_at = ["time", "its link was clicked"]
-- is_accepted = "by its time or status"
-- accepted_at = ["time", "it was accepted"]
-- is_joined = "it brought a user"
-- joined_at = ["time", "that user signed up"]
-- is_verified = "the user was verified"
-- verified_at = ["time", "the user was verified"]
-- first_deal_at = ["time", "the user's first deal since it was sent"]
-- is_completed = "such a deal was completed"
-- completed_at = ["time", "the first of those was completed"]
-- conversion_microseconds = ["microseconds", "from sending to acceptance, null where accepted before or never"]
--
-- [measures]
-- invites_sent = ["invites", "count(*)", "invites that were sent"]
-- invites_opened = ["invites", "count(opened_at)", "invites that were opened"]
-- invites_clicked = ["invites", "count(clicked_at)", "invites whose link was clicked"]
-- invites_accepted = ["invites", "count(*) filter (where is_accepted)", "invites that were accepted"]
-- acceptance_rate = [
--     "ratio", "count(*) filter (where is_accepted) / count(*)",
--     "the share of sent invites that were accepted",
-- ]
-- conversion_time = ["days", "mean(conversion_microseconds)", "mean time from sending an invite to its acceptance"]
-- last_invite_sent_at = ["time", "max(sent_at)", "when the latest invite was sent"]
-- last_opened_at = ["time", "max(opened_at)", "the latest opening of an invite"]
-- last_clicked_at = ["time", "max(clicked_at)", "the latest click on an invite's link"]
--
-- [stages]
-- sent = ["sent_at", "sent_at"]
-- opened = ["opened_at", "opened_at"]
-- clicked = ["clicked_at", "clicked_at"]
-- accepted = ["is_accepted", "accepted_at", "accepted_at, or status accepted"]
-- joined = ["is_joined", "joined_at", "a converted user: that user's created_at"]
-- verified = ["is_verified", "verified_at", "is_verified: verified_at"]
-- first_deal = [
--     "first_deal_at",
--     "a deal of the converted user, on either side, created at or after sending: created_at",
-- ]
-- completed_deal = ["is_completed", "completed_at", "such a deal with status completed: completed_at"]
--
-- [breakdowns]
-- method = "method"
-- agent = "agent_id"
-- template = "template"
-- template_variant = "template.variant"
-- contact_segment = "contact.segment"
-- contact_source = "contact.source"
-- month = "month"
-- +++

with

deals as (

    select
        unnest([influencer_id, sponsor_id]) as user_id,
        created_at,
        completed_at,
        status = 'completed' and coalesce(completed_at < $as_of, true) as is_completed
    from raw.deals
    where created_at < $as_of

),

deals_of_converts as (

    select
        invites.id as invite_id,
        min(deals.created_at) as first_deal_at,
        bool_or(deals.is_completed) as is_completed,
        min(case when deals.is_completed then deals.completed_at end) as completed_at
    from raw.invites as invites
    inner join deals
        on
            invites.converted_user_id = deals.user_id
            and invites.sent_at <= deals.created_at
    group by invites.id

)

select
    invites.id as invite_id,
    invites.sent_at,
    invites.method,
    invites.status,
    invites.agent_id,
    invites.contact_id,
    invites.template_id,
    case when invites.opened_at < $as_of then invites.opened_at end as opened_at,
    case when invites.clicked_at < $as_of then invites.clicked_at end as clicked_at,
    coalesce(invites.accepted_at < $as_of, invites.status = 'accepted', false) as is_accepted,
    case when invites.accepted_at < $as_of then invites.accepted_at end as accepted_at,
    invites.converted_user_id is not null and coalesce(users.created_at < $as_of, true) as is_joined,
    case when users.created_at < $as_of then users.created_at end as joined_at,
    coalesce(invites.is_verified, false) and coalesce(invites.verified_at < $as_of, true) as is_verified,
    case when invites.is_verified and invites.verified_at < $as_of then invites.verified_at end as verified_at,
    deals_of_converts.first_deal_at,
    coalesce(deals_of_converts.is_completed, false) as is_completed,
    deals_of_converts.completed_at,
    case
        when invites.accepted_at >= invites.sent_at and invites.accepted_at < $as_of
            then epoch_us(invites.accepted_at) - epoch_us(invites.sent_at)
    end as conversion_microseconds
from raw.invites as invites
left join raw.users as users
    on invites.converted_user_id = users.id
left join deals_of_converts
    on invites.id = deals_of_converts.invite_id
where invites.sent_at < $as_of
