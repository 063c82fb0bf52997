-- agent_previous_rank: the agents at an agent's rank or above in the window before, by what decided it.
--
-- +++
-- grain = "one row per agent ranked at or above the one asked for; none where that one had nothing in that window"
-- explains = "agent_leaderboard.previous_rank"
-- how = "number of rows"
-- empty = "null"
-- inputs = "explained_before"
-- units = "total_earnings in the reporting currency"
-- order = "rank"
--
-- [params]
-- key = "id of the agent"
-- +++

with

asked as (

    select * from explained_before
    where
        agent_id = cast($key as uuid)
        and (total_earnings <> 0 or total_deals <> 0 or total_referrals <> 0)

),

final as (

    select
        board.rank,
        board.agent_id,
        board.total_earnings,
        board.total_deals,
        board.total_referrals
    from explained_before as board
    inner join asked
        on board.rank <= asked.rank

)

select * from final
order by rank
