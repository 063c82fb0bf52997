-- deals_and_money_disagree: a deal is cancelled and its job's money was released, or completed and all went back.
--
-- A deal's job is the escrow job of the same gig, influencer and sponsor. Its money was released where a completed
-- release exists; it went back where completed refunds reach the completed locks, each currency for itself. Figures
-- go by the deal's status. Where another deal of the same three has the status that fits the money, it is that deal's.
--
-- +++
-- grain = "one row per deal, escrow job and currency"
-- severity = "warning"
-- inputs = ["raw.deals", "raw.escrow_jobs", "raw.transactions"]
-- units = "amounts in the currency of the row"
-- order = "deal_id, job_id, currency"
-- remedy = "Correct the deal's status, or record how its money went on"
-- +++

with

deals as (

    select
        id as deal_id,
        gig_id,
        influencer_id,
        sponsor_id,
        case
            when status = 'cancelled' then 'cancelled'
            when status = 'completed' and (completed_at < $as_of or completed_at is null) then 'completed'
        end as deal_status
    from raw.deals
    where created_at < $as_of

),

jobs as (

    select
        deals.deal_id,
        deals.gig_id,
        deals.influencer_id,
        deals.sponsor_id,
        deals.deal_status,
        escrow_jobs.id as job_id
    from deals
    inner join raw.escrow_jobs as escrow_jobs
        on
            deals.gig_id = escrow_jobs.gig_id
            and deals.influencer_id = escrow_jobs.influencer_id
            and deals.sponsor_id = escrow_jobs.sponsor_id
    where
        deals.deal_status is not null
        and escrow_jobs.created_at < $as_of

),

refunds as (

    select distinct job_id
    from raw.transactions
    where
        type = 'refund'
        and status = 'completed'
        and created_at < $as_of

),

-- Only the money of these can disagree: nothing else is added up.
suspects as (

    select distinct jobs.job_id
    from jobs
    left join refunds
        on jobs.job_id = refunds.job_id
    where
        jobs.deal_status = 'cancelled'
        or refunds.job_id is not null

),

movements as (

    select
        transactions.job_id,
        coalesce(lower(trim(transactions.currency, ' ')), 'usd') as currency,
        coalesce(sum(case when transactions.type = 'escrow_lock' then transactions.amount end), 0) as locked,
        coalesce(sum(case when transactions.type = 'release' then transactions.amount end), 0) as released,
        coalesce(sum(case when transactions.type = 'refund' then transactions.amount end), 0) as refunded
    from raw.transactions as transactions
    inner join suspects
        on transactions.job_id = suspects.job_id
    where
        transactions.type in ('escrow_lock', 'release', 'refund')
        and transactions.status = 'completed'
        and transactions.created_at < $as_of
    group by transactions.job_id, coalesce(lower(trim(transactions.currency, ' ')), 'usd')

),

disputed as (

    select
        jobs.*,
        movements.currency,
        movements.locked,
        movements.released,
        movements.refunded
    from jobs
    inner join movements
        on jobs.job_id = movements.job_id
    where
        (jobs.deal_status = 'cancelled' and movements.released > 0)
        or (
            jobs.deal_status = 'completed'
            and movements.locked > 0
            and movements.refunded >= movements.locked
        )

),

-- Few are disputed: only for these is another deal looked for.
final as (

    select
        disputed.deal_id,
        disputed.job_id,
        disputed.deal_status,
        disputed.currency,
        disputed.locked,
        disputed.released,
        disputed.refunded
    from disputed
    left join deals as others
        on
            disputed.gig_id = others.gig_id
            and disputed.influencer_id = others.influencer_id
            and disputed.sponsor_id = others.sponsor_id
            and disputed.deal_status <> others.deal_status
    where others.deal_id is null

)

select * from final
order by deal_id, job_id, currency
