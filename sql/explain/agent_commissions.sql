-- agent_commissions: the completed commissions an agent was paid in the reporting currency.
--
-- +++
-- grain = "one row per transaction"
-- explains = ["agent_leaderboard.total_earnings", "agent_performance_metrics.total_earnings"]
-- how = "sum of value"
-- empty = "0"
-- inputs = "raw.transactions"
-- units = "value in the reporting currency"
-- order = "created_at, transaction_id"
--
-- [params]
-- key = "id of the agent"
-- +++

with

final as (

    select
        id as transaction_id,
        created_at,
        from_user_id,
        job_id,
        currency,
        status,
        amount as value
    from raw.transactions
    where
        to_user_id = cast($key as uuid)
        and type = 'agent_commission'
        and status = 'completed'
        and lower(trim(coalesce(currency, 'usd'), ' ')) = $currency
        and ($since is null or created_at >= $since)
        and created_at < $until

)

select * from final
order by created_at, transaction_id
