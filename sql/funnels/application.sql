-- application: from an application for a gig to the payment for it.
--
-- A gig that does not exist yet at as_of lends the application no category.
--
-- +++
-- grain = "one row per application and stage it reached on its own"
-- breakdowns = ["influencer_type", "gig_category", "month"]
-- inputs = [
--     "raw.gig_applications", "raw.gigs", "raw.influencer_profiles", "raw.deals", "raw.escrow_jobs",
--     "local_offsets",
-- ]
-- order = "unit_id, stage_number"
--
-- [stages]
-- applied = "applied_at"
-- reviewed = "reviewed_at, or any status but pending"
-- approved = "status approved: reviewed_at"
-- dealt = "a deal of the same gig and influencer: created_at"
-- completed = "such a deal with status completed: completed_at"
-- paid = "an escrow job of this application with status released: released_at"
--
-- [columns]
-- unit_id = "the application"
-- stage_number = "place of the stage, from 1"
-- stage = "name of the stage"
-- reached_at = ["time", "earliest known time the stage was reached, null where it is unknown"]
-- started_at = ["time", "the application was made"]
-- influencer_type = "type of the influencer's profile"
-- gig_category = "categories of the gig, a list"
-- month = "month of started_at, as YYYY-MM"
-- +++

with

deals as (

    select
        gig_id,
        influencer_id,
        min(created_at) as dealt_at,
        count(
            case when status = 'completed' and coalesce(completed_at < $as_of, true) then 1 end
        ) as completed_deals,
        min(case when status = 'completed' and completed_at < $as_of then completed_at end) as completed_at
    from raw.deals
    where created_at < $as_of
    group by gig_id, influencer_id

),

payments as (

    select
        application_id,
        min(released_at) as paid_at
    from raw.escrow_jobs
    where
        created_at < $as_of
        and status = 'released'
        and coalesce(released_at < $as_of, true)
    group by application_id

),

-- A list has a place for each stage, null where the unit did not reach it on its own.
units as (

    select
        applications.id as unit_id,
        applications.applied_at as started_at,
        [
            { 'stage_number': 1, 'reached_at': applications.applied_at },
            case
                when coalesce(applications.reviewed_at < $as_of, applications.status <> 'pending')
                    then { 'stage_number': 2, 'reached_at': applications.reviewed_at }
            end,
            case
                when applications.status = 'approved' and coalesce(applications.reviewed_at < $as_of, true)
                    then { 'stage_number': 3, 'reached_at': applications.reviewed_at }
            end,
            case when deals.dealt_at is not null then { 'stage_number': 4, 'reached_at': deals.dealt_at } end,
            case when deals.completed_deals > 0 then { 'stage_number': 5, 'reached_at': deals.completed_at } end,
            case when payments.application_id is not null then { 'stage_number': 6, 'reached_at': payments.paid_at } end
        ] as stages,
        influencer_profiles.influencer_type,
        gigs.categories as gig_category,
        strftime(make_timestamp(epoch_us(applications.applied_at) + local_offsets.ahead), '%Y-%m') as month
    from raw.gig_applications as applications
    inner join local_offsets
        on
            local_offsets.zone = $tz
            and greatest(epoch_us(applications.applied_at) // $slice, 0) = local_offsets.slice
            and applications.applied_at >= local_offsets.begins_at
            and applications.applied_at < local_offsets.ends_at
    left join deals
        on
            applications.gig_id = deals.gig_id
            and applications.influencer_id = deals.influencer_id
    left join payments
        on applications.id = payments.application_id
    left join raw.influencer_profiles as influencer_profiles
        on applications.influencer_id = influencer_profiles.user_id
    left join raw.gigs as gigs
        on
            applications.gig_id = gigs.id
            and gigs.created_at < $as_of
    where applications.applied_at < $as_of

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
        ['applied', 'reviewed', 'approved', 'dealt', 'completed', 'paid'][stage['stage_number']] as stage,
        stage['reached_at'] as reached_at,
        started_at,
        influencer_type,
        gig_category,
        month
    from reached
    where stage is not null

)

select * from final
order by unit_id, stage_number
