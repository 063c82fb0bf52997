-- gig: from a gig posted to the work paid for.
--
-- +++
-- grain = "one row per gig and stage it reached on its own"
-- breakdowns = ["category", "sponsor_industry", "location", "month"]
-- inputs = [
--     "raw.gigs", "raw.sponsor_profiles", "raw.gig_applications", "raw.deals", "raw.escrow_jobs", "local_offsets",
-- ]
-- order = "unit_id, stage_number"
--
-- [stages]
-- posted = "created_at"
-- applied = "an application: applied_at"
-- approved = "an application with status approved: reviewed_at"
-- dealt = "a deal: created_at"
-- completed = "a deal with status completed: completed_at"
-- paid = "an escrow job with status released: released_at"
--
-- [columns]
-- unit_id = "the gig"
-- stage_number = "place of the stage, from 1"
-- stage = "name of the stage"
-- reached_at = ["time", "earliest known time the stage was reached, null where it is unknown"]
-- started_at = ["time", "the gig was posted"]
-- category = "categories of the gig, a list"
-- sponsor_industry = "industry of the sponsor's profile"
-- location = "location of the gig"
-- month = "month of started_at, as YYYY-MM"
-- +++

with

applications as (

    select
        gig_id,
        min(applied_at) as applied_at,
        count(case when status = 'approved' and coalesce(reviewed_at < $as_of, true) then 1 end) as approvals,
        min(case when status = 'approved' and reviewed_at < $as_of then reviewed_at end) as approved_at
    from raw.gig_applications
    where applied_at < $as_of
    group by gig_id

),

deals as (

    select
        gig_id,
        min(created_at) as dealt_at,
        count(
            case when status = 'completed' and coalesce(completed_at < $as_of, true) then 1 end
        ) as completed_deals,
        min(case when status = 'completed' and completed_at < $as_of then completed_at end) as completed_at
    from raw.deals
    where created_at < $as_of
    group by gig_id

),

payments as (

    select
        gig_id,
        min(released_at) as paid_at
    from raw.escrow_jobs
    where
        created_at < $as_of
        and status = 'released'
        and coalesce(released_at < $as_of, true)
    group by gig_id

),

-- A list has a place for each stage, null where the unit did not reach it on its own.
units as (

    select
        gigs.id as unit_id,
        gigs.created_at as started_at,
        [
            { 'stage_number': 1, 'reached_at': gigs.created_at },
            case
                when applications.applied_at is not null
                    then { 'stage_number': 2, 'reached_at': applications.applied_at }
            end,
            case when applications.approvals > 0 then { 'stage_number': 3, 'reached_at': applications.approved_at } end,
            case when deals.dealt_at is not null then { 'stage_number': 4, 'reached_at': deals.dealt_at } end,
            case when deals.completed_deals > 0 then { 'stage_number': 5, 'reached_at': deals.completed_at } end,
            case when payments.gig_id is not null then { 'stage_number': 6, 'reached_at': payments.paid_at } end
        ] as stages,
        gigs.categories as category,
        sponsor_profiles.industry as sponsor_industry,
        gigs.location,
        strftime(make_timestamp(epoch_us(gigs.created_at) + local_offsets.ahead), '%Y-%m') as month
    from raw.gigs as gigs
    inner join local_offsets
        on
            local_offsets.zone = $tz
            and greatest(epoch_us(gigs.created_at) // $slice, 0) = local_offsets.slice
            and gigs.created_at >= local_offsets.begins_at
            and gigs.created_at < local_offsets.ends_at
    left join applications
        on gigs.id = applications.gig_id
    left join deals
        on gigs.id = deals.gig_id
    left join payments
        on gigs.id = payments.gig_id
    left join raw.sponsor_profiles as sponsor_profiles
        on gigs.sponsor_id = sponsor_profiles.user_id
    where gigs.created_at < $as_of

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
        ['posted', 'applied', 'approved', 'dealt', 'completed', 'paid'][stage['stage_number']] as stage,
        stage['reached_at'] as reached_at,
        started_at,
        category,
        sponsor_industry,
        location,
        month
    from reached
    where stage is not null

)

select * from final
order by unit_id, stage_number
