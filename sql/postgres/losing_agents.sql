-- losing_agents: who has earnings in what is published, and would have none in what is to be.
--
-- Whoever is an agent no longer loses everything as well: a source that was read half looks like that.
--
-- +++
-- grain = "one row per agent who would lose everything: the earnings that are published, how many agents have any"
-- inputs = ["pg_temp.changes_agent_leaderboard", "analytics.agent_leaderboard"]
-- units = "total_earnings in the currency of the refresh that published them"
-- order = "total_earnings desc, agent_id asc"
-- +++

with

changes as (

    select
        agent_id,
        total_earnings,
        action
    from pg_temp.changes_agent_leaderboard
    where action in ('update', 'delete')

),

earning as (

    select
        agent_id,
        total_earnings,
        count(*) over () as earning_agents
    from analytics.agent_leaderboard
    where total_earnings <> 0

),

final as (

    select
        earning.agent_id,
        earning.total_earnings,
        earning.earning_agents,
        case when changes.action = 'delete' then 'is no agent any more' else 'would earn nothing' end as reason
    from earning
    inner join changes
        on earning.agent_id = changes.agent_id
    where
        changes.action = 'delete'
        or coalesce(changes.total_earnings, 0) = 0

)

select * from final
order by total_earnings desc, agent_id asc
