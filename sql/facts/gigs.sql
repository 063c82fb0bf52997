-- gigs: the work that was offered, and what became of each offer.
--
-- Whether a stage was reached, and when, is as of as_of; a time that is null is unknown, or the stage was not reached.
--
-- +++
-- topic = "marketplace"
-- grain = "one row per gig"
-- inputs = ["raw.gigs", "raw.sponsor_profiles", "raw.gig_applications", "raw.deals", "raw.escrow_jobs"]
-- key = "gig_id"
-- unit = { id = "gig_id" }
-- row = { gigs = "gig_id" }
-- time = "created_at"
-- funnel = "gig"
-- links = { gig = "gig_id", brand = "sponsor_id" }
--
-- [stands_on]
-- sponsor_profiles = "sponsor_id = user_id"
-- gig_applications = "id = gig_id"
-- deals = "id = gig_id"
-- escrow_jobs = "id = gig_id"
--
-- [columns]
-- gig_id = "the gig"
-- created_at = ["time", "it was posted"]
-- sponsor_id = "who offers it"
-- sponsor_industry = "industry of the sponsor's profile"
-- applied_at = ["time", "the first application for it"]
-- is_approved = "an application was approved"
-- approved_at = ["time", "the first of those was approved"]
-- dealt_at = ["time", "its first deal"]
-- is_completed = "a deal of it was completed"
-- completed_at = ["time", "the first of those was completed"]
-- is_paid = "an escrow job of it was released"
-- paid_at = ["time", "the first of those was released"]
--
-- [stages]
-- posted = ["created_at", "created_at"]
-- applied = ["applied_at", "an application: applied_at"]
-- approved = ["is_approved", "approved_at", "an application with status approved: reviewed_at"]
-- dealt = ["dealt_at", "a deal: created_at"]
-- completed = ["is_completed", "completed_at", "a deal with status completed: completed_at"]
-- paid = ["is_paid", "paid_at", "an escrow job with status released: released_at"]
--
-- [breakdowns]
-- category = "gig.category"
-- sponsor_industry = "sponsor_industry"
-- location = "gig.location"
-- month = "month"
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

)

select
    gigs.id as gig_id,
    gigs.created_at,
    gigs.sponsor_id,
    sponsor_profiles.industry as sponsor_industry,
    applications.applied_at,
    coalesce(applications.approvals > 0, false) as is_approved,
    applications.approved_at,
    deals.dealt_at,
    coalesce(deals.completed_deals > 0, false) as is_completed,
    deals.completed_at,
    payments.gig_id is not null as is_paid,
    payments.paid_at
from raw.gigs as gigs
left join applications
    on gigs.id = applications.gig_id
left join deals
    on gigs.id = deals.gig_id
left join payments
    on gigs.id = payments.gig_id
left join raw.sponsor_profiles as sponsor_profiles
    on gigs.sponsor_id = sponsor_profiles.user_id
where gigs.created_at < $as_of
