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

settled as (

    select
        gig_id,
        influencer_id,
        sponsor_id,
        count(case when deal_status = 'cancelled' then 1 end) as cancelled,
        count(case when deal_status = 'completed' then 1 end) as completed
    from deals
    group by gig_id, influencer_id, sponsor_id

),

movements as (

    select
        job_id,
        coalesce(lower(trim(currency, ' ')), 'usd') as currency,
        coalesce(sum(case when type = 'escrow_lock' then amount end), 0) as locked,
        coalesce(sum(case when type = 'release' then amount end), 0) as released,
        coalesce(sum(case when type = 'refund' then amount end), 0) as refunded
    from raw.transactions
    where
        type in ('escrow_lock', 'release', 'refund')
        and status = 'completed'
        and job_id is not null
        and created_at < $as_of
    group by job_id, coalesce(lower(trim(currency, ' ')), 'usd')

),

final as (

    select
        deals.deal_id,
        jobs.id as job_id,
        deals.deal_status,
        movements.currency,
        movements.locked,
        movements.released,
        movements.refunded
    from deals
    inner join settled
        on
            deals.gig_id = settled.gig_id
            and deals.influencer_id = settled.influencer_id
            and deals.sponsor_id = settled.sponsor_id
    inner join raw.escrow_jobs as jobs
        on
            deals.gig_id = jobs.gig_id
            and deals.influencer_id = jobs.influencer_id
            and deals.sponsor_id = jobs.sponsor_id
    inner join movements
        on jobs.id = movements.job_id
    where
        jobs.created_at < $as_of
        and (
            (deals.deal_status = 'cancelled' and movements.released > 0 and settled.completed = 0)
            or (
                deals.deal_status = 'completed'
                and movements.locked > 0
                and movements.refunded >= movements.locked
                and settled.cancelled = 0
            )
        )

)

select * from final
order by deal_id, job_id, currency
