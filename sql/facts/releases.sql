-- releases: escrow jobs whose money was released.
--
-- +++
-- topic = "brands"
-- grain = "one row per released escrow job with a time of release"
-- inputs = "raw.escrow_jobs"
-- key = "job_id"
-- row = { escrow_jobs = "job_id" }
-- time = "released_at"
-- currency = "currency"
-- links = { brand = "sponsor_id", influencer = "influencer_id", gig = "gig_id" }
--
-- [columns]
-- job_id = "the job"
-- released_at = ["time", "its money was released"]
-- work_submitted_at = ["time", "the work was in"]
-- currency = "trimmed, in lower case, usd where there was none"
-- amount = ["reporting currency", "released"]
-- sponsor_id = "who paid"
-- influencer_id = "who was paid"
-- gig_id = "for what"
-- payment_microseconds = ["microseconds", "from submission to release, null where negative or unknown"]
--
-- [measures]
-- releases = ["jobs", "count(*)", "escrow jobs whose money was released"]
-- released_amount = ["reporting currency", "sum(amount)", "money released from escrow"]
-- payment_time = [
--     "days, any currency", "mean(payment_microseconds)",
--     "mean time from submitted work to released money",
-- ]
-- +++

select
    id as job_id,
    released_at,
    work_submitted_at,
    coalesce(lower(trim(currency, ' ')), 'usd') as currency,
    amount,
    sponsor_id,
    influencer_id,
    gig_id,
    case
        when work_submitted_at <= released_at then epoch_us(released_at) - epoch_us(work_submitted_at)
    end as payment_microseconds
from raw.escrow_jobs
where
    status = 'released'
    and created_at < $as_of
    and released_at < $as_of
