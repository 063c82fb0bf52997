-- escrow_open: escrow jobs whose money is held: locked, and neither released nor refunded.
--
-- What holds is as of as_of: locked and released by their times, or by the status where the time is null; refunded by
-- the status, which has no time. A job that is being refunded or disputed is open if it has a time of locking. The time
-- of a row is that of the job, created_at, so that jobs locked at an unknown time lie in windows as well. The age is in
-- whole days of 24 hours.
--
-- +++
-- topic = "brands"
-- grain = "one row per escrow job that is open at as_of"
-- inputs = "raw.escrow_jobs"
-- key = "job_id"
-- unit = { id = "job_id" }
-- row = { escrow_jobs = "job_id" }
-- time = "created_at"
-- currency = "currency"
-- links = { brand = "sponsor_id", influencer = "influencer_id", gig = "gig_id" }
--
-- [columns]
-- job_id = "the job"
-- created_at = ["time", "it was created"]
-- locked_at = ["time", "its money was locked, null where unknown"]
-- age = "days since then, 0-7, 8-14, 15-30, 31-60 or 61+, or unknown"
-- status = "at extraction"
-- currency = "trimmed, in lower case, usd where there was none"
-- amount = ["reporting currency", "held"]
-- sponsor_id = "who pays"
-- influencer_id = "who works"
-- gig_id = "for what"
--
-- [measures]
-- escrow_jobs_open = ["jobs", "count(*)", "escrow jobs whose money is held"]
-- escrow_held = ["reporting currency", "sum(amount)", "money held in escrow"]
-- +++

with

open_jobs as (

    select
        *,
        (epoch_us($as_of) - epoch_us(locked_at)) // 86400000000 as age_days
    from raw.escrow_jobs
    where
        created_at < $as_of
        and coalesce(
            locked_at < $as_of,
            status in (
                'locked', 'work_in_progress', 'work_submitted', 'under_review', 'approved', 'releasing', 'released'
            )
        )
        and not coalesce(released_at < $as_of, status = 'released', false)
        and status is distinct from 'refunded'

)

select
    id as job_id,
    created_at,
    locked_at,
    case
        when age_days is null then 'unknown'
        when age_days <= 7 then '0-7'
        when age_days <= 14 then '8-14'
        when age_days <= 30 then '15-30'
        when age_days <= 60 then '31-60'
        else '61+'
    end as age,
    status,
    coalesce(lower(trim(currency, ' ')), 'usd') as currency,
    amount,
    sponsor_id,
    influencer_id,
    gig_id
from open_jobs
