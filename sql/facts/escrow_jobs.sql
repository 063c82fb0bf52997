-- escrow_jobs: money held for a piece of work, and how far each job came.
--
-- A status says that every stage up to its own was reached; a stage's own timestamp, where set, decides for that stage
-- alone. refunding, refunded and disputed say nothing beyond the timestamps.
--
-- +++
-- topic = "marketplace"
-- grain = "one row per escrow job"
-- inputs = "raw.escrow_jobs"
-- key = "job_id"
-- row = { escrow_jobs = "job_id" }
-- time = "created_at"
-- currency = "currency"
-- funnel = "escrow"
-- links = { brand = "sponsor_id", influencer = "influencer_id", gig = "gig_id" }
--
-- [columns]
-- job_id = "the job"
-- created_at = ["time", "it was created"]
-- status = "at extraction"
-- currency = "trimmed, in lower case, usd where there was none"
-- sponsor_id = "who pays"
-- influencer_id = "who is paid"
-- gig_id = "for what"
-- is_locked = "by its time or status"
-- locked_at = ["time", "its money was locked"]
-- is_submitted = "by its time or status"
-- submitted_at = ["time", "the work was in"]
-- is_approved = "by its time or status"
-- approved_at = ["time", "the work was approved"]
-- is_released = "by its time or status"
-- released_at = ["time", "its money was released"]
--
-- [stages]
-- created = ["created_at", "created_at"]
-- locked = [
--     "is_locked", "locked_at",
--     "locked_at, or a status from locked on up to released (not refunding, refunded or disputed)",
-- ]
-- submitted = [
--     "is_submitted", "submitted_at",
--     "work_submitted_at, or status work_submitted, under_review, approved, releasing, released",
-- ]
-- approved = ["is_approved", "approved_at", "approved_at, or status approved, releasing, released"]
-- released = ["is_released", "released_at", "released_at, or status released"]
--
-- [breakdowns]
-- currency = "currency"
-- month = "month"
-- +++

select
    id as job_id,
    created_at,
    status,
    coalesce(lower(trim(currency, ' ')), 'usd') as currency,
    sponsor_id,
    influencer_id,
    gig_id,
    coalesce(
        locked_at < $as_of,
        status in (
            'locked',
            'work_in_progress',
            'work_submitted',
            'under_review',
            'approved',
            'releasing',
            'released'
        ),
        false
    ) as is_locked,
    case when locked_at < $as_of then locked_at end as locked_at,
    coalesce(
        work_submitted_at < $as_of,
        status in ('work_submitted', 'under_review', 'approved', 'releasing', 'released'),
        false
    ) as is_submitted,
    case when work_submitted_at < $as_of then work_submitted_at end as submitted_at,
    coalesce(approved_at < $as_of, status in ('approved', 'releasing', 'released'), false) as is_approved,
    case when approved_at < $as_of then approved_at end as approved_at,
    coalesce(released_at < $as_of, status = 'released', false) as is_released,
    case when released_at < $as_of then released_at end as released_at
from raw.escrow_jobs
where created_at < $as_of
