-- currencies_held: the currencies that money was recorded in, as they are compared.
--
-- Trimmed and in lower case, null being usd, whatever the type and status of the transaction or escrow job.
--
-- +++
-- grain = "one row per currency"
-- inputs = ["raw.transactions", "raw.escrow_jobs"]
-- order = "currency"
-- +++

with

final as (

    select coalesce(lower(trim(currency, ' ')), 'usd') as currency
    from raw.transactions

    union

    select coalesce(lower(trim(currency, ' ')), 'usd') as currency
    from raw.escrow_jobs

)

select * from final
order by currency
