-- brand_payments: a sponsor's released escrow jobs, and how long each payment took.
--
-- +++
-- grain = "one row per escrow job, released after its work was submitted"
-- explains = "brand_reputations.average_payment_time"
-- how = "mean of value / 86400000000"
-- decimals = 2
-- empty = "null"
-- inputs = "raw.escrow_jobs"
-- units = "value in microseconds, days in days; amount in the job's currency"
-- order = "released_at, job_id"
--
-- [params]
-- key = "id of the sponsor"
-- +++

with

payments as (

    select
        id as job_id,
        work_submitted_at,
        released_at,
        amount,
        currency,
        epoch_us(released_at) - epoch_us(work_submitted_at) as value
    from raw.escrow_jobs
    where
        sponsor_id = cast($key as uuid)
        and status = 'released'
        and created_at < $as_of
        and released_at < $as_of
        and work_submitted_at <= released_at

),

final as (

    select
        *,
        cast((2 * 100 * cast(value as hugeint) + 86400000000) // 172800000000 as decimal(38, 0)) * 0.01 as days
    from payments

)

select * from final
order by released_at, job_id
