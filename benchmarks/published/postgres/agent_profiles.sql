-- agent_profiles: the summaries on each agent's profile.
--
-- Who recruited whom is asked without regard to whether the recruit is still active.
--
-- Dialect  postgres
-- Grain    one row per agent
-- Inputs   pg_temp.agent_leaderboard, public.referrals, public.user_reviews
-- Params   %(as_of)s  timestamptz, exclusive
-- Units    total_earnings in the reporting currency; recruit_satisfaction_score 1 to 5, null without a review

create temporary table agent_profiles on commit drop as

with

reviews_by_recruits as (

    select
        referrals.agent_id,
        round(avg(user_reviews.rating), 1) as recruit_satisfaction_score,
        count(*) as recruit_satisfaction_count
    from public.user_reviews as user_reviews
    inner join public.referrals as referrals
        on
            user_reviews.reviewed_user_id = referrals.agent_id
            and user_reviews.reviewer_id = referrals.recruited_user_id
    where
        user_reviews.created_at < %(as_of)s
        and (referrals.recruited_at < %(as_of)s or referrals.recruited_at is null)
    group by referrals.agent_id

),

final as (

    select
        agent_leaderboard.agent_id,
        agent_leaderboard.total_earnings,
        reviews_by_recruits.recruit_satisfaction_score,
        coalesce(reviews_by_recruits.recruit_satisfaction_count, 0) as recruit_satisfaction_count
    from pg_temp.agent_leaderboard as agent_leaderboard
    left join reviews_by_recruits
        on agent_leaderboard.agent_id = reviews_by_recruits.agent_id

)

select * from final
