-- agent_performance_components: the exact sums and counts that an agent's performance is made of.
--
-- Kept apart from agent_performance_metrics so that means are compared as the fractions they are and
-- rounded once, at the very end. A mean is its sum over its count; a count of 0 means there is none.
--
-- +++
-- topic = "agents"
-- grain = "one row per agent"
-- inputs = [
--     "raw.invites", "raw.referrals", "raw.user_reviews", "metrics.agent_leaderboard", "metrics.agent_replies",
-- ]
-- money = "total_earnings"
-- order = "agent_id"
--
-- [params]
-- as_of = "timestamptz, exclusive"
--
-- [columns]
-- agent_id = "user id of the agent"
-- total_deals = ["deals", "as on the all-time leaderboard"]
-- total_referrals = ["recruits", "as on the all-time leaderboard"]
-- verified_referrals = ["recruits", "as in agent_performance_metrics"]
-- total_earnings = ["reporting currency", "as on the all-time leaderboard"]
-- conversions = ["invites", "invites behind average_conversion_time in agent_performance_metrics"]
-- conversion_microseconds = ["microseconds", "sum of the times from sending to acceptance"]
-- replies = ["replies", "rows of agent_replies"]
-- reply_microseconds = ["microseconds", "sum of the waits before the replies"]
-- reviews = ["reviews", "reviews about the agent"]
-- rating_tenths = ["tenths of a star", "sum of the ratings of the reviews"]
-- +++

with

verified_invites as (

    select distinct
        agent_id,
        converted_user_id
    from raw.invites
    where
        is_verified
        and (verified_at is null or verified_at < $as_of)
        and (sent_at is null or sent_at < $as_of)

),

verified_per_agent as (

    select
        referrals.agent_id,
        count(distinct referrals.recruited_user_id) as verified_referrals
    from raw.referrals as referrals
    inner join verified_invites
        on
            referrals.agent_id = verified_invites.agent_id
            and referrals.recruited_user_id = verified_invites.converted_user_id
    where
        referrals.is_active
        and (referrals.recruited_at is null or referrals.recruited_at < $as_of)
    group by referrals.agent_id

),

conversions_per_agent as (

    select
        agent_id,
        count(*) as conversions,
        sum(epoch_us(accepted_at) - epoch_us(sent_at)) as conversion_microseconds
    from raw.invites
    where
        accepted_at >= sent_at
        and accepted_at < $as_of
    group by agent_id

),

replies_per_agent as (

    select
        agent_id,
        count(*) as replies,
        sum(wait_microseconds) as reply_microseconds
    from metrics.agent_replies
    group by agent_id

),

reviews_per_agent as (

    select
        reviewed_user_id as agent_id,
        count(*) as reviews,
        sum(cast(rating * 10 as bigint)) as rating_tenths
    from raw.user_reviews
    where created_at < $as_of
    group by reviewed_user_id

),

final as (

    select
        leaderboard.agent_id,
        leaderboard.total_deals,
        leaderboard.total_referrals,
        coalesce(verified_per_agent.verified_referrals, 0) as verified_referrals,
        leaderboard.total_earnings,
        coalesce(conversions_per_agent.conversions, 0) as conversions,
        cast(coalesce(conversions_per_agent.conversion_microseconds, 0) as bigint) as conversion_microseconds,
        coalesce(replies_per_agent.replies, 0) as replies,
        cast(coalesce(replies_per_agent.reply_microseconds, 0) as bigint) as reply_microseconds,
        coalesce(reviews_per_agent.reviews, 0) as reviews,
        cast(coalesce(reviews_per_agent.rating_tenths, 0) as bigint) as rating_tenths
    from metrics.agent_leaderboard as leaderboard
    left join verified_per_agent
        on leaderboard.agent_id = verified_per_agent.agent_id
    left join conversions_per_agent
        on leaderboard.agent_id = conversions_per_agent.agent_id
    left join replies_per_agent
        on leaderboard.agent_id = replies_per_agent.agent_id
    left join reviews_per_agent
        on leaderboard.agent_id = reviews_per_agent.agent_id

)

select * from final
order by agent_id
