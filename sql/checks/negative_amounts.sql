-- negative_amounts: an amount of money is negative, and is added up as it is.
--
-- +++
-- grain = "one row per deal, escrow job or transaction, whatever its status"
-- severity = "warning"
-- inputs = ["raw.deals", "raw.escrow_jobs", "raw.transactions"]
-- units = "amount in the currency of the row; a deal's is usd"
-- order = "table_name, key"
-- remedy = "Correct the amount; money that goes back is a refund of a positive amount"
-- +++

with

final as (

    select 'deals' as table_name, id as key, amount, 'usd' as currency
    from raw.deals
    where
        amount < 0
        and created_at < $as_of

    union all

    select 'escrow_jobs' as table_name, id as key, amount, lower(trim(coalesce(currency, 'usd'), ' ')) as currency
    from raw.escrow_jobs
    where
        amount < 0
        and created_at < $as_of

    union all

    select 'transactions' as table_name, id as key, amount, lower(trim(coalesce(currency, 'usd'), ' ')) as currency
    from raw.transactions
    where
        amount < 0
        and created_at < $as_of

)

select * from final
order by table_name, key
