-- negotiations: talks about a gig, and what became of each.
--
-- The author of the first offer is that of the earliest existing offer by (created_at, id). Whether a stage was
-- reached, and when, is as of as_of; a time that is null is unknown, or the stage was not reached.
--
-- +++
-- topic = "marketplace"
-- grain = "one row per negotiation"
-- inputs = ["raw.negotiations", "raw.negotiation_offers", "raw.sponsor_profiles", "raw.deals"]
-- key = "negotiation_id"
-- unit = { id = "negotiation_id" }
-- row = { negotiations = "negotiation_id" }
-- time = "created_at"
-- funnel = "negotiation"
-- links = { brand = "sponsor_id", influencer = "influencer_id", gig = "gig_id" }
--
-- [stands_on]
-- negotiation_offers = "id = negotiation_id"
-- sponsor_profiles = "sponsor_id = user_id"
-- deals = "gig_id = gig_id and influencer_id = influencer_id and sponsor_id = sponsor_id"
--
-- [columns]
-- negotiation_id = "the negotiation"
-- created_at = ["time", "it was opened"]
-- status = "at extraction"
-- sponsor_id = "who would pay"
-- influencer_id = "who would work"
-- gig_id = "for what"
-- sponsor_industry = "industry of the sponsor's profile"
-- offered_at = ["time", "the first offer"]
-- is_countered = "by an offer of the other side, or by an offer's status"
-- countered_at = ["time", "the first counter"]
-- is_accepted = "status accepted, and not only by an offer from as_of on"
-- accepted_at = ["time", "the first accepted offer was answered"]
-- dealt_at = ["time", "the first deal of the same gig, influencer and sponsor"]
--
-- [stages]
-- opened = ["created_at", "created_at"]
-- offered = ["offered_at", "an offer: created_at"]
-- countered = [
--     "is_countered", "countered_at",
--     """
--     the first offer by another user than the author of the first offer: created_at; or an offer with status
--     countered: responded_at""",
-- ]
-- accepted = [
--     "is_accepted", "accepted_at",
--     """
--     the negotiation has status accepted: responded_at of an offer with status accepted; at an unknown time where it
--     has no such offer at all; not reached where all such offers lie at or after as_of""",
-- ]
-- dealt = ["dealt_at", "a deal of the same gig, influencer and sponsor: created_at"]
--
-- [breakdowns]
-- sponsor_industry = "sponsor_industry"
-- month = "month"
-- +++

with

existing_offers as (

    select
        negotiation_id,
        created_at,
        case when status = 'countered' and coalesce(responded_at < $as_of, true) then 1 end as is_countered,
        responded_at,
        from_user_id <> first_value(from_user_id) over (
            partition by negotiation_id order by created_at asc, id asc
        ) as is_by_another
    from raw.negotiation_offers
    where created_at < $as_of

),

offers as (

    select
        negotiation_id,
        min(created_at) as offered_at,
        count(case when is_by_another or is_countered = 1 then 1 end) as counters,
        least(
            min(case when is_by_another then created_at end),
            min(case when is_countered = 1 then responded_at end)
        ) as countered_at
    from existing_offers
    group by negotiation_id

),

-- An accepted offer without a time does not exist; one that comes later says: not yet.
accepted_offers as (

    select
        negotiation_id,
        count(
            case when created_at < $as_of and coalesce(responded_at < $as_of, true) then 1 end
        ) as offers_by_now,
        min(
            case when created_at < $as_of and responded_at < $as_of then responded_at end
        ) as responded_at
    from raw.negotiation_offers
    where
        status = 'accepted'
        and created_at is not null
    group by negotiation_id

),

deals as (

    select
        gig_id,
        influencer_id,
        sponsor_id,
        min(created_at) as dealt_at
    from raw.deals
    where created_at < $as_of
    group by gig_id, influencer_id, sponsor_id

)

select
    negotiations.id as negotiation_id,
    negotiations.created_at,
    negotiations.status,
    negotiations.sponsor_id,
    negotiations.influencer_id,
    negotiations.gig_id,
    sponsor_profiles.industry as sponsor_industry,
    offers.offered_at,
    coalesce(offers.counters > 0, false) as is_countered,
    offers.countered_at,
    coalesce(
        negotiations.status = 'accepted' and coalesce(accepted_offers.offers_by_now > 0, true), false
    ) as is_accepted,
    case when negotiations.status = 'accepted' then accepted_offers.responded_at end as accepted_at,
    deals.dealt_at
from raw.negotiations as negotiations
left join offers
    on negotiations.id = offers.negotiation_id
left join accepted_offers
    on negotiations.id = accepted_offers.negotiation_id
left join deals
    on
        negotiations.gig_id = deals.gig_id
        and negotiations.influencer_id = deals.influencer_id
        and negotiations.sponsor_id = deals.sponsor_id
left join raw.sponsor_profiles as sponsor_profiles
    on negotiations.sponsor_id = sponsor_profiles.user_id
where negotiations.created_at < $as_of
