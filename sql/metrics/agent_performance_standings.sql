-- agent_performance_standings: where each agent stands among all in each component of the score.
--
-- The mid-rank percentile of a row is (worse + equal / 2) / compared. Means compare as the fractions
-- they are: by whole part, then by the rest scaled by 10^12, which tells any two different fractions
-- apart whose denominators stay below a million. An agent without a component has no row for it.
--
-- +++
-- topic = "agents"
-- grain = "one row per agent and component that the agent has"
-- inputs = "metrics.agent_performance_components"
-- order = "component, agent_id"
--
-- [columns]
-- component = "component of the score"
-- agent_id = "user id of the agent"
-- worse = ["agents", "those with less good a value in it"]
-- equal = ["agents", "those with an equal value, itself included"]
-- compared = ["agents", "all that have the component"]
-- +++

with

components as (

    select * from metrics.agent_performance_components

),

-- The greater (major, minor), the better.
measured as (

    select
        'total_earnings' as component,
        agent_id,
        total_earnings as major,
        0 as minor
    from components

    union all

    select
        'total_deals' as component,
        agent_id,
        total_deals as major,
        0 as minor
    from components

    union all

    select
        'verified_referrals' as component,
        agent_id,
        verified_referrals // total_referrals as major,
        verified_referrals % total_referrals * 1000000000000 // total_referrals as minor
    from components
    where total_referrals > 0

    union all

    select
        'average_conversion_time' as component,
        agent_id,
        -(conversion_microseconds // conversions) as major,
        -(conversion_microseconds % conversions * 1000000000000 // conversions) as minor
    from components
    where conversions > 0

    union all

    select
        'response_time' as component,
        agent_id,
        -(reply_microseconds // replies) as major,
        -(reply_microseconds % replies * 1000000000000 // replies) as minor
    from components
    where replies > 0

    union all

    select
        'satisfaction_score' as component,
        agent_id,
        rating_tenths // reviews as major,
        rating_tenths % reviews * 1000000000000 // reviews as minor
    from components
    where reviews > 0

),

final as (

    select
        component,
        agent_id,
        rank() over (partition by component order by major asc, minor asc) - 1 as worse,
        count(*) over (partition by component, major, minor) as equal,
        count(*) over (partition by component) as compared
    from measured

)

select * from final
order by component, agent_id
