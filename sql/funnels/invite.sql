-- invite: from an invite sent to the completed deal of the user it brought.
--
-- +++
-- grain = "one row per sent invite and stage it reached on its own"
-- breakdowns = ["method", "agent", "template", "template_variant", "contact_segment", "contact_source", "month"]
-- inputs = ["raw.invites", "raw.invite_templates", "raw.contacts", "raw.users", "raw.deals", "local_offsets"]
-- order = "unit_id, stage_number"
--
-- [stages]
-- sent = "sent_at"
-- opened = "opened_at"
-- clicked = "clicked_at"
-- accepted = "accepted_at, or status accepted"
-- joined = "a converted user: that user's created_at"
-- verified = "is_verified: verified_at"
-- first_deal = "a deal of the converted user, on either side, created at or after sending: created_at"
-- completed_deal = "such a deal with status completed: completed_at"
--
-- [columns]
-- unit_id = "the invite, one that has a sent_at"
-- stage_number = "place of the stage, from 1"
-- stage = "name of the stage"
-- reached_at = ["time", "earliest known time the stage was reached, null where it is unknown"]
-- started_at = ["time", "the invite was sent"]
-- method = "how it was sent"
-- agent = "user id of the sender"
-- template = "id of the template, null where there is none"
-- template_variant = "A or B, null where the template has none"
-- contact_segment = "segment of the contact"
-- contact_source = "where the contact came from"
-- month = "month of started_at, as YYYY-MM"
-- +++

with

converts as (

    select
        id as invite_id,
        converted_user_id as user_id,
        sent_at
    from raw.invites
    where
        sent_at < $as_of
        and converted_user_id is not null

),

deals as (

    select
        influencer_id,
        sponsor_id,
        created_at,
        completed_at,
        status = 'completed' and coalesce(completed_at < $as_of, true) as is_completed
    from raw.deals
    where created_at < $as_of

),

deal_parties as (

    select
        influencer_id as user_id,
        created_at,
        completed_at,
        is_completed
    from deals

    union all

    select
        sponsor_id as user_id,
        created_at,
        completed_at,
        is_completed
    from deals

),

deals_of_converts as (

    select
        converts.invite_id,
        min(deal_parties.created_at) as first_deal_at,
        count(case when deal_parties.is_completed then 1 end) as completed_deals,
        min(case when deal_parties.is_completed then deal_parties.completed_at end) as completed_at
    from converts
    inner join deal_parties
        on
            converts.user_id = deal_parties.user_id
            and converts.sent_at <= deal_parties.created_at
    group by converts.invite_id

),

-- A list has a place for each stage, null where the unit did not reach it on its own.
units as (

    select
        invites.id as unit_id,
        invites.sent_at as started_at,
        [
            { 'stage_number': 1, 'reached_at': invites.sent_at },
            case when invites.opened_at < $as_of then { 'stage_number': 2, 'reached_at': invites.opened_at } end,
            case when invites.clicked_at < $as_of then { 'stage_number': 3, 'reached_at': invites.clicked_at } end,
            case
                when coalesce(invites.accepted_at < $as_of, invites.status = 'accepted')
                    then { 'stage_number': 4, 'reached_at': invites.accepted_at }
            end,
            case
                when invites.converted_user_id is not null and coalesce(users.created_at < $as_of, true)
                    then { 'stage_number': 5, 'reached_at': users.created_at }
            end,
            case
                when invites.is_verified and coalesce(invites.verified_at < $as_of, true)
                    then { 'stage_number': 6, 'reached_at': invites.verified_at }
            end,
            case
                when deals_of_converts.first_deal_at is not null
                    then { 'stage_number': 7, 'reached_at': deals_of_converts.first_deal_at }
            end,
            case
                when deals_of_converts.completed_deals > 0
                    then { 'stage_number': 8, 'reached_at': deals_of_converts.completed_at }
            end
        ] as stages,
        invites.method,
        cast(invites.agent_id as varchar) as agent,
        cast(invite_templates.id as varchar) as template,
        invite_templates.ab_test_variant as template_variant,
        contacts.segment as contact_segment,
        contacts.source as contact_source,
        strftime(make_timestamp(epoch_us(invites.sent_at) + local_offsets.ahead), '%Y-%m') as month
    from raw.invites as invites
    inner join local_offsets
        on
            local_offsets.zone = $tz
            and greatest(epoch_us(invites.sent_at) // $slice, 0) = local_offsets.slice
            and invites.sent_at >= local_offsets.begins_at
            and invites.sent_at < local_offsets.ends_at
    left join deals_of_converts
        on invites.id = deals_of_converts.invite_id
    left join raw.users as users
        on invites.converted_user_id = users.id
    left join raw.invite_templates as invite_templates
        on invites.template_id = invite_templates.id
    left join raw.contacts as contacts
        on invites.contact_id = contacts.id
    where invites.sent_at < $as_of

),

reached as (

    select
        * exclude (stages),
        unnest(stages) as stage
    from units

),

final as (

    select
        unit_id,
        stage['stage_number'] as stage_number,
        [
            'sent', 'opened', 'clicked', 'accepted', 'joined', 'verified', 'first_deal', 'completed_deal'
        ][stage['stage_number']] as stage,
        stage['reached_at'] as reached_at,
        started_at,
        method,
        agent,
        template,
        template_variant,
        contact_segment,
        contact_source,
        month
    from reached
    where stage is not null

)

select * from final
order by unit_id, stage_number
