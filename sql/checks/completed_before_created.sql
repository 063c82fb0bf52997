-- completed_before_created: a deal was completed before it was created.
--
-- Listed whatever the deal's status. It counts as completed; the time it took is left out of every median.
--
-- +++
-- grain = "one row per deal"
-- severity = "warning"
-- inputs = "raw.deals"
-- order = "deal_id"
-- remedy = "Correct created_at or completed_at in Postgres"
-- +++

with

final as (

    select
        id as deal_id,
        created_at,
        completed_at
    from raw.deals
    where
        completed_at < created_at
        and created_at < $as_of

)

select * from final
order by deal_id
