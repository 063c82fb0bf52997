-- commission_to_non_agents: a completed commission went to a user who is no agent, so no agent earned it.
--
-- An agent is a user with a row in agent_profiles; a profile without its user is none. Monthly payouts count the
-- commission, in the reporting currency; the leaderboard does not. One to nobody at all is listed too.
--
-- +++
-- grain = "one row per transaction, in any currency"
-- severity = "warning"
-- inputs = ["raw.transactions", "raw.agent_profiles", "raw.users"]
-- units = "amount in the currency of the row"
-- order = "transaction_id"
-- remedy = "Correct to_user_id, or give the user an agent's profile"
-- +++

with

agents as (

    select agent_profiles.user_id
    from raw.agent_profiles as agent_profiles
    inner join raw.users as users
        on agent_profiles.user_id = users.id

),

final as (

    select
        transactions.id as transaction_id,
        transactions.to_user_id,
        transactions.amount,
        coalesce(lower(trim(transactions.currency, ' ')), 'usd') as currency
    from raw.transactions as transactions
    left join agents
        on transactions.to_user_id = agents.user_id
    where
        transactions.type = 'agent_commission'
        and transactions.status = 'completed'
        and transactions.created_at < $as_of
        and agents.user_id is null

)

select * from final
order by transaction_id
