-- released_beyond_lock: more was released for an escrow job than had been locked for it.
--
-- Held against each other are the job's completed release and escrow_lock transactions, each currency for itself:
-- the ledger alone decides, so a release without any lock is beyond it, whatever amount the job names. Transactions
-- without a job_id belong to no job. Figures add up what is there.
--
-- +++
-- grain = "one row per job_id and currency"
-- severity = "warning"
-- inputs = "raw.transactions"
-- units = "amounts in the currency of the row"
-- order = "job_id, currency"
-- remedy = "Look for a release made twice, or a lock that was not recorded"
-- +++

with

movements as (

    select
        job_id,
        coalesce(lower(trim(currency, ' ')), 'usd') as currency,
        type,
        amount
    from raw.transactions
    where
        type in ('escrow_lock', 'release')
        and status = 'completed'
        and job_id is not null
        and created_at < $as_of

),

sums as (

    select
        job_id,
        currency,
        coalesce(sum(case when type = 'release' then amount end), 0) as released,
        coalesce(sum(case when type = 'escrow_lock' then amount end), 0) as locked
    from movements
    group by job_id, currency

),

final as (

    select *
    from sums
    where released > locked

)

select * from final
order by job_id, currency
