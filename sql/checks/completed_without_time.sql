-- completed_without_time: a deal is completed and does not say when.
--
-- Funnels count it as completed at an unknown time; monthly figures cannot place it and leave it out.
--
-- +++
-- grain = "one row per deal"
-- severity = "warning"
-- inputs = "raw.deals"
-- units = "amount in usd"
-- order = "deal_id"
-- remedy = "Set completed_at in Postgres"
-- +++

with

final as (

    select
        id as deal_id,
        created_at,
        amount
    from raw.deals
    where
        status = 'completed'
        and completed_at is null
        and created_at < $as_of

)

select * from final
order by deal_id
