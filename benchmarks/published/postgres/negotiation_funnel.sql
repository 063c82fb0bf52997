-- negotiation_funnel: how far each negotiation came, and when.
--
-- An accepted negotiation is dated by its accepted offers. Where they all come later it is not accepted yet; where
-- it has none at all, it was accepted at an unknown time. An offer without created_at exists at no time.
--
-- Dialect  postgres
-- Grain    one row per negotiation and stage it reached on its own; reached_at null where that time is unknown
-- Inputs   public.negotiations, public.negotiation_offers, public.deals
-- Params   %(as_of)s  timestamptz, exclusive

create temporary table negotiation_funnel on commit drop as

with

offers as (

    select
        *,
        created_at < %(as_of)s as is_made,
        created_at < %(as_of)s and (responded_at < %(as_of)s or responded_at is null) as is_answered,
        first_value(from_user_id) over (partition by negotiation_id order by created_at asc, id asc) as first_author
    from public.negotiation_offers
    where created_at is not null

),

offers_per_negotiation as (

    select
        negotiation_id,
        min(created_at) filter (where is_made) as offered_at,
        bool_or((is_made and from_user_id <> first_author) or (is_answered and status = 'countered')) as is_countered,
        least(
            min(created_at) filter (where is_made and from_user_id <> first_author),
            min(responded_at) filter (where is_answered and status = 'countered')
        ) as countered_at,
        bool_or(status = 'accepted') as has_accepted,
        bool_or(is_answered and status = 'accepted') as is_accepted,
        min(responded_at) filter (where is_answered and status = 'accepted') as accepted_at
    from offers
    group by negotiation_id

),

deals_per_parties as (

    select
        gig_id,
        influencer_id,
        sponsor_id,
        min(created_at) as dealt_at
    from public.deals
    where created_at < %(as_of)s
    group by gig_id, influencer_id, sponsor_id

),

final as (

    select
        negotiations.id as unit_id,
        negotiations.created_at as started_at,
        stages.stage_number,
        stages.reached_at
    from public.negotiations as negotiations
    left join offers_per_negotiation
        on negotiations.id = offers_per_negotiation.negotiation_id
    left join deals_per_parties
        on
            negotiations.gig_id = deals_per_parties.gig_id
            and negotiations.influencer_id = deals_per_parties.influencer_id
            and negotiations.sponsor_id = deals_per_parties.sponsor_id
    cross join
        lateral (
            values
            (1, true, negotiations.created_at),
            (2, offers_per_negotiation.offered_at is not null, offers_per_negotiation.offered_at),
            (3, offers_per_negotiation.is_countered, offers_per_negotiation.countered_at),
            (
                4,
                negotiations.status = 'accepted'
                and (offers_per_negotiation.is_accepted or offers_per_negotiation.has_accepted is not true),
                offers_per_negotiation.accepted_at
            ),
            (5, deals_per_parties.dealt_at is not null, deals_per_parties.dealt_at)
        ) as stages (stage_number, is_reached, reached_at)
    where negotiations.created_at < %(as_of)s and stages.is_reached

)

select * from final
