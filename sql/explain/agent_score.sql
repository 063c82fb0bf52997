-- agent_score: the six components of an agent's performance score, and the points each gives.
--
-- percentile is (worse + equal / 2) / compared among the agents who have the component, points are
-- 100 x weight x percentile. A component the agent lacks has no value and gives no points; its weight stays.
-- worse, equal (the agent included) and compared are exact; the score is rounded once, from these.
--
-- +++
-- grain = "one row per component"
-- explains = "agent_performance_metrics.performance_score"
-- how = "sum of 100 x weight x (worse + equal / 2) / compared"
-- decimals = 2
-- inputs = [
--     "meta.performance_weights", "metrics.agent_performance_components", "metrics.agent_performance_standings",
-- ]
-- units = "value in the component's own unit: money, deals, a ratio, days, hours, stars; points of 100"
-- order = "weight desc, component asc"
--
-- [params]
-- key = "id of the agent"
-- +++

with

agent as (

    select * from metrics.agent_performance_components
    where agent_id = cast($key as uuid)

),

-- Each component in millionths of its unit, as a fraction.
fractions as (

    select
        'total_earnings' as component,
        cast(total_earnings * 1000000 as hugeint) as part,
        1 as whole
    from agent

    union all

    select
        'total_deals' as component,
        cast(total_deals as hugeint) * 1000000 as part,
        1 as whole
    from agent

    union all

    select
        'verified_referrals' as component,
        cast(verified_referrals as hugeint) * 1000000 as part,
        total_referrals as whole
    from agent

    union all

    select
        'average_conversion_time' as component,
        cast(conversion_microseconds as hugeint) * 1000000 as part,
        conversions * 86400000000 as whole
    from agent

    union all

    select
        'response_time' as component,
        cast(reply_microseconds as hugeint) * 1000000 as part,
        replies * 3600000000 as whole
    from agent

    union all

    select
        'satisfaction_score' as component,
        cast(rating_tenths as hugeint) * 100000 as part,
        reviews as whole
    from agent

),

final as (

    select
        weights.component,
        weights.weight,
        case
            when fractions.whole > 0
                then cast(
                    sign(fractions.part) * ((2 * abs(fractions.part) + fractions.whole) // (2 * fractions.whole))
                    as decimal(38, 0)
                ) * 0.000001
        end as value,
        coalesce(standings.worse, 0) as worse,
        coalesce(standings.equal, 0) as equal,
        coalesce(standings.compared, 0) as compared,
        cast(
            (1000000 * (2 * cast(standings.worse as hugeint) + standings.equal) + standings.compared)
            // (2 * standings.compared) as decimal(38, 0)
        ) * 0.000001 as percentile,
        cast(
            coalesce(
                (
                    200 * cast(weights.weight * 1000000 as bigint)
                    * (2 * cast(standings.worse as hugeint) + standings.equal) + 2 * standings.compared
                ) // (4 * standings.compared),
                0
            ) as decimal(38, 0)
        ) * 0.000001 as points
    from meta.performance_weights as weights
    inner join fractions
        on weights.component = fractions.component
    left join metrics.agent_performance_standings as standings
        on
            weights.component = standings.component
            and standings.agent_id = cast($key as uuid)

)

select * from final
order by weight desc, component asc
