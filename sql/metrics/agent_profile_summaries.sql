-- agent_profile_summaries: the summary columns of an agent's profile.
--
-- +++
-- topic = "agents"
-- grain = "one row per agent"
-- inputs = ["raw.referrals", "raw.user_reviews", "metrics.agent_leaderboard"]
-- money = "total_earnings"
-- order = "agent_id"
--
-- [params]
-- as_of = "timestamptz, exclusive"
--
-- [columns]
-- agent_id = "user id of the agent"
-- total_earnings = ["reporting currency", "as on the all-time leaderboard"]
-- recruit_satisfaction_score = [
--     "stars",
--     """
--     mean rating of the reviews about the agent by users the agent recruited, whether the referral is active or
--     not, before as_of or at an unknown time; null without any""",
-- ]
-- recruit_satisfaction_count = ["reviews", "number of those reviews"]
--
-- [targets.agent_profiles]
-- table = "public.agent_profiles"
-- key = "user_id"
-- origin = "agent_id"
-- every = "agent"
-- columns = ["total_earnings", "recruit_satisfaction_score", "recruit_satisfaction_count"]
-- +++

with

recruits as (

    select distinct
        agent_id,
        recruited_user_id
    from raw.referrals
    where recruited_at is null or recruited_at < $as_of

),

reviews_per_agent as (

    select
        recruits.agent_id,
        count(*) as recruit_satisfaction_count,
        (2 * sum(cast(user_reviews.rating * 10 as bigint)) + count(*)) // (2 * count(*)) as rating_tenths
    from raw.user_reviews as user_reviews
    inner join recruits
        on
            user_reviews.reviewed_user_id = recruits.agent_id
            and user_reviews.reviewer_id = recruits.recruited_user_id
    where user_reviews.created_at < $as_of
    group by recruits.agent_id

),

final as (

    select
        leaderboard.agent_id,
        leaderboard.total_earnings,
        cast(reviews_per_agent.rating_tenths as decimal(38, 0)) * 0.1 as recruit_satisfaction_score,
        coalesce(reviews_per_agent.recruit_satisfaction_count, 0) as recruit_satisfaction_count
    from metrics.agent_leaderboard as leaderboard
    left join reviews_per_agent
        on leaderboard.agent_id = reviews_per_agent.agent_id

)

select * from final
order by agent_id
