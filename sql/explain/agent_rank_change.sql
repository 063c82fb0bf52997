-- agent_rank_change: an agent's place on the board of the window before, and on this one.
--
-- +++
-- grain = "one row per window; none where the agent had nothing in the one before"
-- explains = "agent_leaderboard.rank_change"
-- how = "sum of value"
-- empty = "null"
-- inputs = ["explained", "explained_before"]
-- units = "value is the rank before, and the rank now with a minus; total_earnings in the reporting currency"
-- order = "span desc"
--
-- [params]
-- key = "id of the agent"
-- +++

with

boards as (

    select
        'previous' as span,
        agent_id,
        rank,
        total_earnings,
        total_deals,
        total_referrals,
        rank as value
    from explained_before
    where total_earnings <> 0 or total_deals <> 0 or total_referrals <> 0

    union all

    select
        'current' as span,
        agent_id,
        rank,
        total_earnings,
        total_deals,
        total_referrals,
        -rank as value
    from explained
    where previous_rank is not null

),

final as (

    select * from boards
    where agent_id = cast($key as uuid)

)

select * from final
order by span desc
