-- agent_rank: the agents at an agent's rank or above, by what decides the rank.
--
-- +++
-- grain = "one row per agent ranked at or above the one asked for"
-- explains = "agent_leaderboard.rank"
-- how = "number of rows"
-- inputs = "explained"
-- units = "total_earnings in the reporting currency"
-- order = "rank"
--
-- [params]
-- key = "id of the agent"
-- +++

with

final as (

    select
        board.rank,
        board.agent_id,
        board.total_earnings,
        board.total_deals,
        board.total_referrals
    from explained as board
    inner join explained as asked
        on board.rank <= asked.rank
    where asked.agent_id = cast($key as uuid)

)

select * from final
order by rank
