-- negative_amounts: an amount of money is negative, and is added up as it is.
--
-- +++
-- grain = "one row per bonus, deal, escrow job, transaction, reward or withdrawal, whatever its status"
-- severity = "warning"
-- inputs = [
--     "raw.agent_bonuses", "raw.deals", "raw.escrow_jobs", "raw.transactions", "raw.user_rewards", "raw.withdrawals",
-- ]
-- units = "amount in the currency of the row; a bonus's and a deal's is usd"
-- order = "table_name, key"
-- remedy = "Correct the amount; money that goes back is a refund of a positive amount"
-- +++

with

final as (

    select 'agent_bonuses' as table_name, id as key, amount, 'usd' as currency
    from raw.agent_bonuses
    where
        amount < 0
        and earned_at < $as_of

    union all

    select 'deals' as table_name, id as key, amount, 'usd' as currency
    from raw.deals
    where
        amount < 0
        and created_at < $as_of

    union all

    select 'escrow_jobs' as table_name, id as key, amount, coalesce(lower(trim(currency, ' ')), 'usd') as currency
    from raw.escrow_jobs
    where
        amount < 0
        and created_at < $as_of

    union all

    select 'transactions' as table_name, id as key, amount, coalesce(lower(trim(currency, ' ')), 'usd') as currency
    from raw.transactions
    where
        amount < 0
        and created_at < $as_of

    union all

    select 'user_rewards' as table_name, id as key, amount, coalesce(lower(trim(currency, ' ')), 'usd') as currency
    from raw.user_rewards
    where
        amount < 0
        and reward_type in ('cash', 'crypto')
        and earned_at < $as_of

    union all

    select 'withdrawals' as table_name, id as key, amount, coalesce(lower(trim(currency, ' ')), 'usd') as currency
    from raw.withdrawals
    where
        amount < 0
        and created_at < $as_of

)

select * from final
order by table_name, key
