-- application: from an application for a gig to the payment for it.
--
-- A gig that does not exist yet at as_of lends the application no category.
--
-- Dialect     duckdb
-- Grain       one row per application and stage it reached on its own
-- Inputs      raw.gig_applications, raw.gigs, raw.influencer_profiles, raw.deals, raw.escrow_jobs
-- Params      $as_of  timestamptz, exclusive · $tz  IANA time zone of the month
-- Stages      applied, reviewed, approved, dealt, completed, paid
-- Breakdowns  influencer_type, gig_category, month
-- Order       unit_id, stage_number

with

applications as (

    select * from raw.gig_applications
    where applied_at < $as_of

),

deals as (

    select
        gig_id,
        influencer_id,
        created_at,
        completed_at,
        status = 'completed' and coalesce(completed_at < $as_of, true) as is_completed
    from raw.deals
    where created_at < $as_of

),

events as (

    select
        id as unit_id,
        1 as stage_number,
        'applied' as stage,
        applied_at as reached_at
    from applications

    union all

    select
        id as unit_id,
        2 as stage_number,
        'reviewed' as stage,
        reviewed_at as reached_at
    from applications
    where coalesce(reviewed_at < $as_of, status <> 'pending')

    union all

    select
        id as unit_id,
        3 as stage_number,
        'approved' as stage,
        reviewed_at as reached_at
    from applications
    where
        status = 'approved'
        and coalesce(reviewed_at < $as_of, true)

    union all

    select
        applications.id as unit_id,
        4 as stage_number,
        'dealt' as stage,
        deals.created_at as reached_at
    from applications
    inner join deals
        on
            applications.gig_id = deals.gig_id
            and applications.influencer_id = deals.influencer_id

    union all

    select
        applications.id as unit_id,
        5 as stage_number,
        'completed' as stage,
        deals.completed_at as reached_at
    from applications
    inner join deals
        on
            applications.gig_id = deals.gig_id
            and applications.influencer_id = deals.influencer_id
    where deals.is_completed

    union all

    select
        application_id as unit_id,
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
        applications.applied_at as started_at,
        influencer_profiles.influencer_type,
        gigs.categories as gig_category,
        strftime(applications.applied_at at time zone $tz, '%Y-%m') as month
    from stages
    inner join applications
        on stages.unit_id = applications.id
    left join raw.influencer_profiles as influencer_profiles
        on applications.influencer_id = influencer_profiles.user_id
    left join raw.gigs as gigs
        on
            applications.gig_id = gigs.id
            and gigs.created_at < $as_of

)

select * from final
order by unit_id, stage_number
