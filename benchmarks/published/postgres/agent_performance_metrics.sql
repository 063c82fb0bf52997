-- agent_performance_metrics: what each agent achieved, and a score that compares them.
--
-- An agent's standing in a component is (number worse + half the number equal) / number compared, among those who
-- have it; who lacks it gets nothing for its weight. Less is better for the two times: they are compared negated.
--
-- Dialect  postgres
-- Grain    one row per agent
-- Inputs   pg_temp.agent_components
-- Params   %(as_of)s  timestamptz · one weight per component, numeric, together 1: %(total_earnings)s,
--          %(total_deals)s, %(verified_referrals)s, %(average_conversion_time)s, %(response_time)s,
--          %(satisfaction_score)s
-- Units    average_conversion_time days; response_time hours; satisfaction_score 1 to 5; performance_score 0 to 100

create temporary table agent_performance_metrics on commit drop as

with

shown as (

    select
        agent_components.agent_id,
        components.component,
        components.weight,
        components.goodness
    from pg_temp.agent_components as agent_components
    cross join
        lateral (
            values
            ('total_earnings', cast(%(total_earnings)s as numeric), agent_components.total_earnings),
            ('total_deals', cast(%(total_deals)s as numeric), agent_components.total_deals),
            ('verified_referrals', cast(%(verified_referrals)s as numeric), agent_components.verified_share),
            (
                'average_conversion_time',
                cast(%(average_conversion_time)s as numeric),
                -agent_components.mean_conversion
            ),
            ('response_time', cast(%(response_time)s as numeric), -agent_components.mean_wait),
            ('satisfaction_score', cast(%(satisfaction_score)s as numeric), agent_components.mean_rating)
        ) as components (component, weight, goodness)
    where components.goodness is not null

),

standings as (

    select
        agent_id,
        weight,
        rank() over (partition by component order by goodness asc) - 1 as worse,
        count(*) over (partition by component, goodness) as equal,
        count(*) over (partition by component) as compared
    from shown

),

-- 50 decimals, and rounded to 40 first: thirds that add up to an exact half come out a hair below it.
scores as (

    select
        agent_id,
        round(
            round(100 * sum(weight * (2 * worse + equal) / cast(2 * compared as numeric(60, 50))), 40), 2
        ) as performance_score
    from standings
    group by agent_id

),

final as (

    select
        agent_components.agent_id as user_id,
        agent_components.total_deals,
        agent_components.total_referrals,
        agent_components.verified_referrals,
        agent_components.total_earnings,
        round(agent_components.mean_conversion / 86400, 2) as average_conversion_time,
        round(agent_components.mean_wait / 3600, 2) as response_time,
        round(agent_components.mean_rating, 1) as satisfaction_score,
        scores.performance_score,
        cast(%(as_of)s as timestamp with time zone) as last_calculated_at
    from pg_temp.agent_components as agent_components
    inner join scores
        on agent_components.agent_id = scores.agent_id

)

select * from final
