-- invite_funnel: how far each invite led, and when.
--
-- Dialect  postgres
-- Grain    one row per sent invite and stage it reached on its own; reached_at null where that time is unknown
-- Inputs   public.invites, public.users, public.deals
-- Params   %(as_of)s  timestamptz, exclusive

create temporary table invite_funnel on commit drop as

with

sent_invites as (

    select * from public.invites
    where sent_at < %(as_of)s

),

party_deals as (

    select
        parties.user_id,
        deals.created_at,
        deals.completed_at,
        deals.status = 'completed' and (deals.completed_at < %(as_of)s or deals.completed_at is null) as is_completed
    from public.deals as deals
    cross join lateral (values (deals.influencer_id), (deals.sponsor_id)) as parties (user_id)
    where deals.created_at < %(as_of)s

),

deals_per_invite as (

    select
        sent_invites.id as invite_id,
        min(party_deals.created_at) as first_deal_at,
        bool_or(party_deals.is_completed) as is_completed,
        min(party_deals.completed_at) filter (where party_deals.is_completed) as completed_at
    from sent_invites
    inner join party_deals
        on
            sent_invites.converted_user_id = party_deals.user_id
            and sent_invites.sent_at <= party_deals.created_at
    group by sent_invites.id

),

final as (

    select
        sent_invites.id as unit_id,
        sent_invites.sent_at as started_at,
        stages.stage_number,
        stages.reached_at
    from sent_invites
    left join public.users as recruits
        on sent_invites.converted_user_id = recruits.id
    left join deals_per_invite
        on sent_invites.id = deals_per_invite.invite_id
    cross join
        lateral (
            values
            (1, true, sent_invites.sent_at),
            (2, sent_invites.opened_at < %(as_of)s, sent_invites.opened_at),
            (3, sent_invites.clicked_at < %(as_of)s, sent_invites.clicked_at),
            (
                4,
                sent_invites.accepted_at < %(as_of)s
                or (sent_invites.accepted_at is null and sent_invites.status = 'accepted'),
                sent_invites.accepted_at
            ),
            (
                5,
                recruits.created_at < %(as_of)s or (recruits.created_at is null and recruits.id is not null),
                recruits.created_at
            ),
            (
                6,
                sent_invites.is_verified
                and (sent_invites.verified_at < %(as_of)s or sent_invites.verified_at is null),
                sent_invites.verified_at
            ),
            (7, deals_per_invite.first_deal_at is not null, deals_per_invite.first_deal_at),
            (8, deals_per_invite.is_completed, deals_per_invite.completed_at)
        ) as stages (stage_number, is_reached, reached_at)
    where stages.is_reached

)

select * from final
