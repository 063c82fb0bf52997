-- agent_performance_metrics: what each agent achieved, all time, and a score from 0 to 100.
--
-- performance_score is 100 x the sum over the components of weight x (worse + equal / 2) / compared;
-- a component the agent does not have gives 0, its weight stays. The six fractions are added over
-- their common denominator in whole numbers and rounded once, half away from zero.
--
-- +++
-- topic = "agents"
-- grain = "one row per agent"
-- inputs = [
--     "metrics.agent_performance_components", "metrics.agent_performance_standings", "meta.performance_weights",
-- ]
-- money = "total_earnings"
-- rows = "agent"
-- order = "user_id"
--
-- [columns]
-- user_id = "user id of the agent"
-- total_deals = ["deals", "as on the all-time leaderboard"]
-- total_referrals = ["recruits", "as on the all-time leaderboard"]
-- verified_referrals = [
--     "recruits",
--     """
--     active recruits for whom this agent has an invite that is verified (before as_of, or at an unknown time), was
--     not sent at or after as_of, and converted to that very user""",
-- ]
-- total_earnings = ["reporting currency", "as on the all-time leaderboard"]
-- average_conversion_time = [
--     "days",
--     """
--     mean time from sent_at to accepted_at over the agent's invites that have both, accepted before as_of and not
--     before they were sent, whatever their status; null without any""",
-- ]
-- response_time = ["hours", "mean wait before the agent's replies, null without any"]
-- satisfaction_score = ["stars", "mean rating of the reviews about the agent, null without any"]
-- performance_score = ["points, 0 to 100", "100 x the sum over the components of weight x standing, 2 decimals"]
-- last_calculated_at = ["time", "the moment described: as_of"]
--
-- [shows]
-- total_deals = "attributed_deals"
-- total_referrals = "recruits"
-- verified_referrals = "verified_recruits"
-- total_earnings = "commission"
-- average_conversion_time = "conversion_time"
-- response_time = "response_time"
-- satisfaction_score = "rating"
--
-- [targets.agent_performance_metrics]
-- table = "public.agent_performance_metrics"
-- key = "user_id"
-- every = "agent"
-- columns = [
--     "total_deals", "total_referrals", "verified_referrals", "total_earnings", "average_conversion_time",
--     "response_time", "satisfaction_score", "performance_score", "last_calculated_at",
-- ]
-- +++

with

components as (

    select * from metrics.agent_performance_components

),

standings as (

    select * from metrics.agent_performance_standings

),

-- The size of each field of agents; total_earnings and total_deals share theirs.
fields as (

    select
        coalesce(max(case when component = 'total_deals' then compared end), 1) as agents,
        coalesce(max(case when component = 'verified_referrals' then compared end), 1) as recruiters,
        coalesce(max(case when component = 'average_conversion_time' then compared end), 1) as converters,
        coalesce(max(case when component = 'response_time' then compared end), 1) as repliers,
        coalesce(max(case when component = 'satisfaction_score' then compared end), 1) as reviewed
    from standings

),

denominators as (

    select cast(agents as hugeint) * recruiters * converters * repliers * reviewed as denominator
    from fields

),

numerators as (

    select
        standings.agent_id,
        sum(
            cast(weights.weight * 1000000 as bigint)
            * (2 * standings.worse + standings.equal)
            * (denominators.denominator // standings.compared)
        ) as numerator
    from standings
    inner join meta.performance_weights as weights
        on standings.component = weights.component
    cross join denominators
    group by standings.agent_id

),

-- Millionths of a weight, twice a percentile, hundredths of a hundred: one hundredth of the score is 200 of them.
scores as (

    select
        numerators.agent_id,
        (2 * numerators.numerator + 200 * denominators.denominator)
        // (400 * denominators.denominator) as hundredths
    from numerators
    cross join denominators

),

means as (

    select
        agent_id,
        (2 * 100 * cast(conversion_microseconds as hugeint) + conversions * 86400000000)
        // (2 * nullif(conversions, 0) * 86400000000) as conversion_hundredths,
        (2 * 100 * cast(reply_microseconds as hugeint) + replies * 3600000000)
        // (2 * nullif(replies, 0) * 3600000000) as reply_hundredths,
        (2 * rating_tenths + reviews) // (2 * nullif(reviews, 0)) as satisfaction_tenths
    from components

),

final as (

    select
        components.agent_id as user_id,
        components.total_deals,
        components.total_referrals,
        components.verified_referrals,
        components.total_earnings,
        cast(means.conversion_hundredths as decimal(38, 0)) * 0.01 as average_conversion_time,
        cast(means.reply_hundredths as decimal(38, 0)) * 0.01 as response_time,
        cast(means.satisfaction_tenths as decimal(38, 0)) * 0.1 as satisfaction_score,
        cast(scores.hundredths as decimal(38, 0)) * 0.01 as performance_score,
        cast($as_of as timestamptz) as last_calculated_at
    from components
    inner join means
        on components.agent_id = means.agent_id
    inner join scores
        on components.agent_id = scores.agent_id

)

select * from final
order by user_id
