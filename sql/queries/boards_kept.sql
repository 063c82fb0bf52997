-- boards_kept: the all-time leaderboard as it was kept of each day.
--
-- A board stands for its day in the reporting time zone.
--
-- +++
-- grain = "one row per day and agent, in one currency"
-- inputs = "history.agent_leaderboard"
-- units = "total_earnings in the currency"
-- order = "as_of_date, rank"
--
-- [params]
-- first_day = "date or null, inclusive"
-- after_day = "date or null, exclusive"
-- agent_id = "uuid or null"
-- +++

with

final as (

    select
        as_of_date,
        currency,
        agent_id,
        agent_name,
        tier,
        total_referrals,
        total_deals,
        total_earnings,
        rank
    from history.agent_leaderboard
    where
        currency = $currency
        and ($first_day is null or as_of_date >= cast($first_day as date))
        and ($after_day is null or as_of_date < cast($after_day as date))
        and ($agent_id is null or agent_id = cast($agent_id as uuid))

)

select * from final
order by as_of_date, rank
