-- null_amounts: an amount of money or tokens is null, and adds nothing to any sum.
--
-- The schema document forbids it; a column whose NOT NULL was dropped lets it in. A reward may have none.
--
-- +++
-- grain = "one row per bonus, deal, escrow job, transaction or request for money or tokens, whatever its status"
-- severity = "warning"
-- inputs = [
--     "raw.agent_bonuses", "raw.deals", "raw.escrow_jobs", "raw.token_withdrawal_requests", "raw.transactions",
--     "raw.withdrawals",
-- ]
-- order = "table_name, key"
-- remedy = "Set the amount in Postgres, and let the column refuse nulls: si schema diff"
-- +++

with

final as (

    select 'agent_bonuses' as table_name, id as key
    from raw.agent_bonuses
    where
        amount is null
        and earned_at < $as_of

    union all

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

    select 'token_withdrawal_requests' as table_name, id as key
    from raw.token_withdrawal_requests
    where
        amount is null
        and requested_at < $as_of

    union all

    select 'transactions' as table_name, id as key
    from raw.transactions
    where
        amount is null
        and created_at < $as_of

    union all

    select 'withdrawals' as table_name, id as key
    from raw.withdrawals
    where
        amount is null
        and created_at < $as_of

)

select * from final
order by table_name, key
