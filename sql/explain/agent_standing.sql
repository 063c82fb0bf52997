-- agent_standing: the agents compared with an agent in a component of the score, and who of them is better.
--
-- total / count is what is compared, exactly: value is the same in the component's own unit, rounded for reading. Of
-- times the shorter is the better. The agent asked for is one of those that are equal.
--
-- +++
-- grain = "one row per agent who has the component"
-- explains = [
--     "agent_performance_standings.worse", "agent_performance_standings.equal",
--     "agent_performance_standings.compared",
-- ]
-- inputs = "metrics.agent_performance_components"
-- units = """
-- total in the component's own unit, of times in microseconds; value: money, deals, a ratio, days, hours, stars"""
-- order = "part asc, value desc, agent_id asc"
--
-- [how]
-- worse = "number of rows of worse"
-- equal = "number of rows of equal"
-- compared = "number of rows"
--
-- [params]
-- component = "component of the score"
-- agent_id = "id of the agent"
-- +++

with

components as (

    select * from metrics.agent_performance_components

),

-- scale is how many of total's unit make one of value's; direction is -1 where less is better.
fractions as (

    select
        agent_id,
        case $component
            when 'total_earnings' then cast(total_earnings as decimal(38, 2))
            when 'total_deals' then total_deals
            when 'verified_referrals' then verified_referrals
            when 'average_conversion_time' then conversion_microseconds
            when 'response_time' then reply_microseconds
            when 'satisfaction_score' then rating_tenths * 0.1
        end as total,
        case $component
            when 'verified_referrals' then total_referrals
            when 'average_conversion_time' then conversions
            when 'response_time' then replies
            when 'satisfaction_score' then reviews
            else 1
        end as count,
        case $component
            when 'average_conversion_time' then cast(86400000000 as hugeint)
            when 'response_time' then 3600000000
            else 1
        end as scale,
        case when $component in ('average_conversion_time', 'response_time') then -1 else 1 end as direction
    from components

),

-- Whole hundredths of total, multiplied crosswise, compare without rounding.
compared as (

    select
        fractions.*,
        cast(fractions.total * 100 as hugeint) * asked.count * fractions.direction as own,
        cast(asked.total * 100 as hugeint) * fractions.count * fractions.direction as theirs
    from fractions
    inner join fractions as asked
        on asked.agent_id = cast($agent_id as uuid)
    where fractions.count > 0

),

final as (

    select
        case when own > theirs then 'better' when own < theirs then 'worse' else 'equal' end as part,
        agent_id,
        total,
        count,
        cast(
            sign(total) * (
                (20000 * abs(cast(total * 100 as hugeint)) + count * scale) // (2 * count * scale)
            ) as decimal(38, 0)
        ) * 0.000001 as value
    from compared

)

select * from final
order by part asc, value desc, agent_id asc
