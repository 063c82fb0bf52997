-- shared_recruits: a user is an active recruit of two agents or more, and each is credited with the user's deals.
--
-- Active is the referral, as on the leaderboard: an agent whose account is switched off is still credited.
--
-- +++
-- grain = "one row per recruited user; with two agents, first_agent_id and last_agent_id name them"
-- severity = "warning"
-- inputs = ["raw.referrals", "raw.agent_profiles", "raw.users"]
-- order = "user_id"
-- remedy = "Set is_active to false on the referrals that are not to count"
-- +++

with

recruits as (

    select
        referrals.recruited_user_id as user_id,
        referrals.agent_id
    from raw.referrals as referrals
    inner join raw.agent_profiles as agents
        on referrals.agent_id = agents.user_id
    inner join raw.users as users
        on agents.user_id = users.id
    where
        referrals.is_active
        and (referrals.recruited_at < $as_of or referrals.recruited_at is null)

),

final as (

    select
        user_id,
        count(distinct agent_id) as agents,
        min(agent_id) as first_agent_id,
        max(agent_id) as last_agent_id
    from recruits
    group by user_id
    having min(agent_id) <> max(agent_id)

)

select * from final
order by user_id
