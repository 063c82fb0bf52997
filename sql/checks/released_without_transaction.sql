-- released_without_transaction: an escrow job says it was released, and no completed release of its money exists.
--
-- A release counts by its job_id, in whatever currency and amount, if created before as_of. Figures count the job as
-- released.
--
-- +++
-- grain = "one row per escrow job with status released, by released_at before as_of or at an unknown time"
-- severity = "warning"
-- inputs = ["raw.escrow_jobs", "raw.transactions"]
-- units = "amount in the currency of the job"
-- order = "job_id"
-- remedy = "Find out whether the money was paid: either the job's status or the ledger is wrong"
-- +++

with

releases as (

    select job_id
    from raw.transactions
    where
        type = 'release'
        and status = 'completed'
        and created_at < $as_of

),

final as (

    select
        jobs.id as job_id,
        jobs.amount,
        coalesce(lower(trim(jobs.currency, ' ')), 'usd') as currency,
        jobs.released_at
    from raw.escrow_jobs as jobs
    left join releases
        on jobs.id = releases.job_id
    where
        jobs.status = 'released'
        and jobs.created_at < $as_of
        and (jobs.released_at < $as_of or jobs.released_at is null)
        and releases.job_id is null

)

select * from final
order by job_id
