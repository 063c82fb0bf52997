-- gig: from a gig posted to the work paid for.
--
-- Dialect     duckdb
-- Grain       one row per gig and stage it reached on its own
-- Inputs      raw.gigs, raw.sponsor_profiles, raw.gig_applications, raw.deals, raw.escrow_jobs
-- Params      $as_of  timestamptz, exclusive · $tz  IANA time zone of the month
-- Stages      posted, applied, approved, dealt, completed, paid
-- Breakdowns  category, sponsor_industry, location, month
-- Order       unit_id, stage_number

with

gigs as (

    select * from raw.gigs
    where created_at < $as_of

),

events as (

    select
        gig_id as unit_id,
        2 as stage_number,
        'applied' as stage,
        applied_at as reached_at
    from raw.gig_applications
    where applied_at < $as_of

    union all

    select
        gig_id as unit_id,
        3 as stage_number,
        'approved' as stage,
        reviewed_at as reached_at
    from raw.gig_applications
    where
        applied_at < $as_of
        and status = 'approved'
        and coalesce(reviewed_at < $as_of, true)

    union all

    select
        gig_id as unit_id,
        4 as stage_number,
        'dealt' as stage,
        created_at as reached_at
    from raw.deals
    where created_at < $as_of

    union all

    select
        gig_id as unit_id,
        5 as stage_number,
        'completed' as stage,
        completed_at as reached_at
    from raw.deals
    where
        created_at < $as_of
        and status = 'completed'
        and coalesce(completed_at < $as_of, true)

    union all

    select
        gig_id as unit_id,
        6 as stage_number,
        'paid' as stage,
        released_at as reached_at
    from raw.escrow_jobs
    where
        created_at < $as_of
        and status = 'released'
        and coalesce(released_at < $as_of, true)

),

stages as (

    select
        id as unit_id,
        1 as stage_number,
        'posted' as stage,
        created_at as reached_at
    from gigs

    union all

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
        gigs.created_at as started_at,
        gigs.categories as category,
        sponsor_profiles.industry as sponsor_industry,
        gigs.location,
        strftime(gigs.created_at at time zone $tz, '%Y-%m') as month
    from stages
    inner join gigs
        on stages.unit_id = gigs.id
    left join raw.sponsor_profiles as sponsor_profiles
        on gigs.sponsor_id = sponsor_profiles.user_id

)

select * from final
order by unit_id, stage_number
