-- invite: from an invite sent to the completed deal of the user it brought.
--
-- Dialect     duckdb
-- Grain       one row per sent invite and stage it reached on its own
-- Inputs      raw.invites, raw.invite_templates, raw.contacts, raw.users, raw.deals
-- Params      $as_of  timestamptz, exclusive · $tz  IANA time zone of the month
-- Stages      sent, opened, clicked, accepted, joined, verified, first_deal, completed_deal
-- Breakdowns  method, agent, template, template_variant, contact_segment, contact_source, month
-- Order       unit_id, stage_number

with

invites as (

    select
        invites.*,
        users.created_at as joined_at,
        invite_templates.id as known_template_id,
        invite_templates.ab_test_variant,
        contacts.segment,
        contacts.source
    from raw.invites as invites
    left join raw.users as users
        on invites.converted_user_id = users.id
    left join raw.invite_templates as invite_templates
        on invites.template_id = invite_templates.id
    left join raw.contacts as contacts
        on invites.contact_id = contacts.id
    where invites.sent_at < $as_of

),

deal_parties as (

    select
        id,
        influencer_id as user_id,
        created_at,
        completed_at,
        coalesce(status = 'completed' and coalesce(completed_at < $as_of, true), false) as is_completed
    from raw.deals
    where created_at < $as_of

    union all

    select
        id,
        sponsor_id as user_id,
        created_at,
        completed_at,
        coalesce(status = 'completed' and coalesce(completed_at < $as_of, true), false) as is_completed
    from raw.deals
    where created_at < $as_of

),

deals_of_converts as (

    select
        invites.id as unit_id,
        min(deal_parties.created_at) as first_deal_at,
        count(case when deal_parties.is_completed then 1 end) > 0 as is_completed,
        min(case when deal_parties.is_completed then deal_parties.completed_at end) as completed_at
    from invites
    inner join deal_parties
        on
            invites.converted_user_id = deal_parties.user_id
            and invites.sent_at <= deal_parties.created_at
    group by invites.id

),

stages as (

    select
        id as unit_id,
        1 as stage_number,
        'sent' as stage,
        sent_at as reached_at
    from invites

    union all

    select
        id as unit_id,
        2 as stage_number,
        'opened' as stage,
        opened_at as reached_at
    from invites
    where opened_at < $as_of

    union all

    select
        id as unit_id,
        3 as stage_number,
        'clicked' as stage,
        clicked_at as reached_at
    from invites
    where clicked_at < $as_of

    union all

    select
        id as unit_id,
        4 as stage_number,
        'accepted' as stage,
        accepted_at as reached_at
    from invites
    where coalesce(accepted_at < $as_of, status = 'accepted')

    union all

    select
        id as unit_id,
        5 as stage_number,
        'joined' as stage,
        joined_at as reached_at
    from invites
    where
        converted_user_id is not null
        and coalesce(joined_at < $as_of, true)

    union all

    select
        id as unit_id,
        6 as stage_number,
        'verified' as stage,
        verified_at as reached_at
    from invites
    where
        is_verified
        and coalesce(verified_at < $as_of, true)

    union all

    select
        unit_id,
        7 as stage_number,
        'first_deal' as stage,
        first_deal_at as reached_at
    from deals_of_converts

    union all

    select
        unit_id,
        8 as stage_number,
        'completed_deal' as stage,
        completed_at as reached_at
    from deals_of_converts
    where is_completed

),

final as (

    select
        stages.unit_id,
        stages.stage_number,
        stages.stage,
        stages.reached_at,
        invites.sent_at as started_at,
        invites.method,
        cast(invites.agent_id as varchar) as agent,
        cast(invites.known_template_id as varchar) as template,
        invites.ab_test_variant as template_variant,
        invites.segment as contact_segment,
        invites.source as contact_source,
        strftime(invites.sent_at at time zone $tz, '%Y-%m') as month
    from stages
    inner join invites
        on stages.unit_id = invites.id

)

select * from final
order by unit_id, stage_number
