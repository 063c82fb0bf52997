-- agent_components: what each agent's performance is judged by, unrounded.
--
-- Dialect  postgres
-- Grain    one row per agent
-- Inputs   pg_temp.agent_leaderboard, pg_temp.agent_waits, public.referrals, public.invites, public.user_reviews
-- Params   %(as_of)s  timestamptz, exclusive
-- Units    mean_conversion, mean_wait seconds; verified_share 0 to 1; mean_rating 1 to 5; each to 30 decimals, so
--          that equal fractions are equal

create temporary table agent_components on commit drop as

with

verified_per_agent as (

    select
        referrals.agent_id,
        count(*) as verified_referrals
    from public.referrals as referrals
    where
        referrals.is_active
        and (referrals.recruited_at < %(as_of)s or referrals.recruited_at is null)
        and exists (
            select
            from public.invites as invites
            where
                invites.agent_id = referrals.agent_id
                and invites.converted_user_id = referrals.recruited_user_id
                and invites.is_verified
                and (invites.verified_at < %(as_of)s or invites.verified_at is null)
                and (invites.sent_at < %(as_of)s or invites.sent_at is null)
        )
    group by referrals.agent_id

),

conversions_per_agent as (

    select
        agent_id,
        avg(cast(extract(epoch from accepted_at - sent_at) as numeric(50, 30))) as mean_conversion
    from public.invites
    where accepted_at >= sent_at and accepted_at < %(as_of)s
    group by agent_id

),

reviews_per_user as (

    select
        reviewed_user_id as user_id,
        avg(cast(rating as numeric(50, 30))) as mean_rating
    from public.user_reviews
    where created_at < %(as_of)s
    group by reviewed_user_id

),

final as (

    select
        agent_leaderboard.agent_id,
        agent_leaderboard.total_deals,
        agent_leaderboard.total_referrals,
        coalesce(verified_per_agent.verified_referrals, 0) as verified_referrals,
        agent_leaderboard.total_earnings,
        conversions_per_agent.mean_conversion,
        agent_waits.mean_wait,
        reviews_per_user.mean_rating,
        cast(coalesce(verified_per_agent.verified_referrals, 0) as numeric(50, 30))
        / nullif(agent_leaderboard.total_referrals, 0) as verified_share
    from pg_temp.agent_leaderboard as agent_leaderboard
    left join verified_per_agent
        on agent_leaderboard.agent_id = verified_per_agent.agent_id
    left join conversions_per_agent
        on agent_leaderboard.agent_id = conversions_per_agent.agent_id
    left join pg_temp.agent_waits as agent_waits
        on agent_leaderboard.agent_id = agent_waits.agent_id
    left join reviews_per_user
        on agent_leaderboard.agent_id = reviews_per_user.user_id

)

select * from final
