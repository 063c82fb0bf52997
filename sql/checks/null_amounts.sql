-- null_amounts: an amount of money is null, and adds nothing to any sum.
--
-- The schema document forbids it; a column whose NOT NULL was dropped lets it in.
--
-- +++
-- grain = "one row per deal, escrow job or transaction, whatever its status"
-- severity = "warning"
-- inputs = ["raw.deals", "raw.escrow_jobs", "raw.transactions"]
-- order = "table_name, key"
-- remedy = "Set the amount in Postgres, and let the column refuse nulls: si schema diff"
-- +++

with

final as (

    select 'deals' as table_name, id as key
    from raw.deals
    where
        amount is null
        and created_at < $as_of

    union all

    select 'escrow_jobs' as table_name, id as key
    from raw.escrow_jobs
    where
        amount is null
        and created_at < $as_of

    union all

    select 'transactions' as table_name, id as key
    from raw.transactions
    where
        amount is null
        and created_at < $as_of

)

select * from final
order by table_name, key
