-- negotiation: from a negotiation opened to the deal it led to.
--
-- The author of the first offer is that of the earliest existing offer by (created_at, id).
--
-- +++
-- grain = "one row per negotiation and stage it reached on its own"
-- breakdowns = ["sponsor_industry", "month"]
-- inputs = ["raw.negotiations", "raw.negotiation_offers", "raw.sponsor_profiles", "raw.deals", "local_offsets"]
-- order = "unit_id, stage_number"
--
-- [stages]
-- opened = "created_at"
-- offered = "an offer: created_at"
-- countered = """
-- the first offer by another user than the author of the first offer: created_at; or an offer with status
-- countered: responded_at"""
-- accepted = """
-- the negotiation has status accepted: responded_at of an offer with status accepted; at an unknown time where it has
-- no such offer at all; not reached where all such offers lie at or after as_of"""
-- dealt = "a deal of the same gig, influencer and sponsor: created_at"
--
-- [columns]
-- unit_id = "the negotiation"
-- stage_number = "place of the stage, from 1"
-- stage = "name of the stage"
-- reached_at = ["time", "earliest known time the stage was reached, null where it is unknown"]
-- started_at = ["time", "the negotiation was opened"]
-- sponsor_industry = "industry of the sponsor's profile"
-- month = "month of started_at, as YYYY-MM"
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

),

-- A list has a place for each stage, null where the unit did not reach it on its own.
units as (

    select
        negotiations.id as unit_id,
        negotiations.created_at as started_at,
        [
            { 'stage_number': 1, 'reached_at': negotiations.created_at },
            case when offers.offered_at is not null then { 'stage_number': 2, 'reached_at': offers.offered_at } end,
            case when offers.counters > 0 then { 'stage_number': 3, 'reached_at': offers.countered_at } end,
            case
                when negotiations.status = 'accepted' and coalesce(accepted_offers.offers_by_now > 0, true)
                    then { 'stage_number': 4, 'reached_at': accepted_offers.responded_at }
            end,
            case when deals.dealt_at is not null then { 'stage_number': 5, 'reached_at': deals.dealt_at } end
        ] as stages,
        sponsor_profiles.industry as sponsor_industry,
        strftime(make_timestamp(epoch_us(negotiations.created_at) + local_offsets.ahead), '%Y-%m') as month
    from raw.negotiations as negotiations
    inner join local_offsets
        on
            local_offsets.zone = $tz
            and greatest(epoch_us(negotiations.created_at) // $slice, 0) = local_offsets.slice
            and negotiations.created_at >= local_offsets.begins_at
            and negotiations.created_at < local_offsets.ends_at
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
        ['opened', 'offered', 'countered', 'accepted', 'dealt'][stage['stage_number']] as stage,
        stage['reached_at'] as reached_at,
        started_at,
        sponsor_industry,
        month
    from reached
    where stage is not null

)

select * from final
order by unit_id, stage_number
