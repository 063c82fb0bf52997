-- applications: influencers who applied for a gig, and what became of each.
--
-- Whether a stage was reached, and when, is as of as_of; a time that is null is unknown, or the stage was not reached.
--
-- +++
-- topic = "marketplace"
-- grain = "one row per gig application"
-- inputs = ["raw.gig_applications", "raw.deals", "raw.escrow_jobs"]
-- key = "application_id"
-- unit = { id = "application_id" }
-- row = { gig_applications = "application_id" }
-- time = "applied_at"
-- funnel = "application"
-- links = { influencer = "influencer_id", gig = "gig_id" }
--
-- [stands_on]
-- deals = "gig_id = gig_id and influencer_id = influencer_id"
-- escrow_jobs = "id = application_id"
--
-- [columns]
-- application_id = "the application"
-- applied_at = ["time", "it was made"]
-- influencer_id = "by whom"
-- gig_id = "for what"
-- is_reviewed = "by its time, or by any status but pending"
-- reviewed_at = ["time", "it was reviewed"]
-- is_approved = "status approved, and not reviewed only after as_of"
-- approved_at = ["time", "it was approved"]
-- dealt_at = ["time", "the first deal of the same gig and influencer"]
-- is_completed = "such a deal was completed"
-- completed_at = ["time", "the first of those was completed"]
-- is_paid = "an escrow job of it was released"
-- paid_at = ["time", "the first of those was released"]
--
-- [measures]
-- applications = ["applications", "count(*)", "applications for gigs"]
-- applicants = ["users", "count(distinct influencer_id)", "influencers who applied, each once"]
-- approval_rate = [
--     "ratio", "count(*) filter (where is_approved) / count(*)",
--     "the share of applications that were approved",
-- ]
--
-- [stages]
-- applied = ["applied_at", "applied_at"]
-- reviewed = ["is_reviewed", "reviewed_at", "reviewed_at, or any status but pending"]
-- approved = ["is_approved", "approved_at", "status approved: reviewed_at"]
-- dealt = ["dealt_at", "a deal of the same gig and influencer: created_at"]
-- completed = ["is_completed", "completed_at", "such a deal with status completed: completed_at"]
-- paid = ["is_paid", "paid_at", "an escrow job of this application with status released: released_at"]
--
-- [breakdowns]
-- influencer_type = "influencer.type"
-- gig_category = "gig.category"
-- month = "month"
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

applications as (

    select
        *,
        coalesce(status = 'approved' and coalesce(reviewed_at < $as_of, true), false) as is_approved
    from raw.gig_applications
    where applied_at < $as_of

)

select
    applications.id as application_id,
    applications.applied_at,
    applications.influencer_id,
    applications.gig_id,
    coalesce(applications.reviewed_at < $as_of, applications.status <> 'pending', false) as is_reviewed,
    case when applications.reviewed_at < $as_of then applications.reviewed_at end as reviewed_at,
    applications.is_approved,
    case when applications.is_approved then applications.reviewed_at end as approved_at,
    deals.dealt_at,
    coalesce(deals.completed_deals > 0, false) as is_completed,
    deals.completed_at,
    payments.application_id is not null as is_paid,
    payments.paid_at
from applications
left join deals
    on
        applications.gig_id = deals.gig_id
        and applications.influencer_id = deals.influencer_id
left join payments
    on applications.id = payments.application_id
