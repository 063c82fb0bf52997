-- negotiation: from a negotiation opened to the deal it led to.
--
-- The author of the first offer is that of the earliest existing offer by (created_at, id). A negotiation
-- with the status accepted is accepted when an accepted offer was responded to; at an unknown time where
-- it has no accepted offer at all; not yet where all its accepted offers lie at or after as_of.
--
-- Dialect     duckdb
-- Grain       one row per negotiation and stage it reached on its own
-- Inputs      raw.negotiations, raw.negotiation_offers, raw.sponsor_profiles, raw.deals
-- Params      $as_of  timestamptz, exclusive · $tz  IANA time zone of the month
-- Stages      opened, offered, countered, accepted, dealt
-- Breakdowns  sponsor_industry, month
-- Order       unit_id, stage_number

with

negotiations as (

    select * from raw.negotiations
    where created_at < $as_of

),

offers as (

    select
        *,
        first_value(from_user_id) over (
            partition by negotiation_id order by created_at asc, id asc
        ) as first_author_id
    from raw.negotiation_offers
    where created_at < $as_of

),

-- An accepted offer without a time does not exist; one that comes later says: not yet.
accepted_offers as (

    select
        negotiation_id,
        count(*) as offers,
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

events as (

    select
        id as unit_id,
        1 as stage_number,
        'opened' as stage,
        created_at as reached_at
    from negotiations

    union all

    select
        negotiation_id as unit_id,
        2 as stage_number,
        'offered' as stage,
        created_at as reached_at
    from offers

    union all

    select
        negotiation_id as unit_id,
        3 as stage_number,
        'countered' as stage,
        created_at as reached_at
    from offers
    where from_user_id <> first_author_id

    union all

    select
        negotiation_id as unit_id,
        3 as stage_number,
        'countered' as stage,
        responded_at as reached_at
    from offers
    where
        status = 'countered'
        and coalesce(responded_at < $as_of, true)

    union all

    select
        negotiations.id as unit_id,
        4 as stage_number,
        'accepted' as stage,
        accepted_offers.responded_at as reached_at
    from negotiations
    left join accepted_offers
        on negotiations.id = accepted_offers.negotiation_id
    where
        negotiations.status = 'accepted'
        and (accepted_offers.offers is null or accepted_offers.offers_by_now > 0)

    union all

    select
        negotiations.id as unit_id,
        5 as stage_number,
        'dealt' as stage,
        deals.created_at as reached_at
    from negotiations
    inner join raw.deals as deals
        on
            negotiations.gig_id = deals.gig_id
            and negotiations.influencer_id = deals.influencer_id
            and negotiations.sponsor_id = deals.sponsor_id
    where deals.created_at < $as_of

),

stages as (

    select
        unit_id,
        stage_number,
        stage,
        min(reached_at) as reached_at
    from events
    group by unit_id, stage_number, stage

),

final as (

    select
        stages.unit_id,
        stages.stage_number,
        stages.stage,
        stages.reached_at,
        negotiations.created_at as started_at,
        sponsor_profiles.industry as sponsor_industry,
        strftime(negotiations.created_at at time zone $tz, '%Y-%m') as month
    from stages
    inner join negotiations
        on stages.unit_id = negotiations.id
    left join raw.sponsor_profiles as sponsor_profiles
        on negotiations.sponsor_id = sponsor_profiles.user_id

)

select * from final
order by unit_id, stage_number
