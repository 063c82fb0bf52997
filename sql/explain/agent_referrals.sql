-- agent_referrals: the active recruits that count for an agent.
--
-- Without a window a recruit of an unknown time counts as well; in one it lies in none.
--
-- +++
-- grain = "one row per recruit"
-- explains = ["agent_leaderboard.total_referrals", "agent_performance_metrics.total_referrals"]
-- how = "number of rows"
-- inputs = "raw.referrals"
-- order = "recruited_at, recruited_user_id"
--
-- [params]
-- key = "id of the agent"
-- +++

with

counted as (

    select
        id as referral_id,
        recruited_user_id,
        recruited_user_type,
        recruited_at,
        row_number() over (partition by recruited_user_id order by recruited_at asc, id asc) as place
    from raw.referrals
    where
        agent_id = cast($key as uuid)
        and is_active
        and (recruited_at < $until or recruited_at is null)
        and ($since is null or recruited_at >= $since)

),

-- A recruit entered twice counts once, by its earliest row.
final as (

    select
        referral_id,
        recruited_user_id,
        recruited_user_type,
        recruited_at
    from counted
    where place = 1

)

select * from final
order by recruited_at, recruited_user_id
