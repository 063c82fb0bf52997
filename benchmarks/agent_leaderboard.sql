-- agent_leaderboard: the all-time board in Postgres's own SQL, aggregated before joining.
--
-- Dialect  postgres
-- Grain    one row per agent
-- Inputs   public.agent_profiles, public.users, public.referrals, public.deals, public.transactions
-- Params   %(as_of)s  timestamptz, exclusive

with

recruits as (

    select
        agent_id,
        recruited_user_id
    from public.referrals
    where is_active and (recruited_at < %(as_of)s or recruited_at is null)

),

attributed as (

    select
        recruits.agent_id,
        deals.id
    from recruits
    inner join public.deals as deals on recruits.recruited_user_id = deals.influencer_id
    where deals.created_at < %(as_of)s
    union
    select
        recruits.agent_id,
        deals.id
    from recruits
    inner join public.deals as deals on recruits.recruited_user_id = deals.sponsor_id
    where deals.created_at < %(as_of)s

),

deals_per_agent as (

    select agent_id, count(*) as total_deals from attributed group by agent_id

),

recruits_per_agent as (

    select agent_id, count(*) as total_referrals from recruits group by agent_id

),

earnings_per_agent as (

    select to_user_id as agent_id, sum(amount) as total_earnings
    from public.transactions
    where
        type = 'agent_commission'
        and status = 'completed'
        and lower(trim(coalesce(currency, 'usd'))) = 'usd'
        and created_at < %(as_of)s
    group by to_user_id

)

select
    users.id as agent_id,
    users.name as agent_name,
    coalesce(recruits_per_agent.total_referrals, 0) as total_referrals,
    coalesce(deals_per_agent.total_deals, 0) as total_deals,
    coalesce(earnings_per_agent.total_earnings, 0) as total_earnings,
    row_number() over (
        order by
            coalesce(earnings_per_agent.total_earnings, 0) desc,
            coalesce(deals_per_agent.total_deals, 0) desc,
            coalesce(recruits_per_agent.total_referrals, 0) desc,
            users.id asc
    ) as rank
from public.agent_profiles as agent_profiles
inner join public.users as users on agent_profiles.user_id = users.id
left join recruits_per_agent on users.id = recruits_per_agent.agent_id
left join deals_per_agent on users.id = deals_per_agent.agent_id
left join earnings_per_agent on users.id = earnings_per_agent.agent_id
order by rank
