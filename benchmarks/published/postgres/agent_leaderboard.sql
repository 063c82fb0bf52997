-- agent_leaderboard: what each agent brought and earned, all time, and where that puts them.
--
-- Each measure is aggregated on its own grain before it meets the agents. `union` makes a deal count once for an
-- agent who recruited both its parties.
--
-- Dialect  postgres
-- Grain    one row per agent
-- Inputs   public.agent_profiles, public.users, public.referrals, public.deals, public.transactions
-- Params   %(as_of)s  timestamptz, exclusive · %(currency)s  text, trimmed and lower-cased
-- Units    total_earnings in the reporting currency

create temporary table agent_leaderboard on commit drop as

with

recruits as (

    select
        agent_id,
        recruited_user_id
    from public.referrals
    where is_active and (recruited_at < %(as_of)s or recruited_at is null)

),

recruits_per_agent as (

    select
        agent_id,
        count(*) as total_referrals
    from recruits
    group by agent_id

),

attributed_deals as (

    select
        recruits.agent_id,
        deals.id as deal_id
    from public.deals as deals
    inner join recruits
        on deals.influencer_id = recruits.recruited_user_id
    where deals.created_at < %(as_of)s

    union

    select
        recruits.agent_id,
        deals.id as deal_id
    from public.deals as deals
    inner join recruits
        on deals.sponsor_id = recruits.recruited_user_id
    where deals.created_at < %(as_of)s

),

deals_per_agent as (

    select
        agent_id,
        count(*) as total_deals
    from attributed_deals
    group by agent_id

),

commission_per_agent as (

    select
        to_user_id as agent_id,
        sum(amount) as total_earnings
    from public.transactions
    where
        type = 'agent_commission'
        and status = 'completed'
        and lower(trim(coalesce(currency, 'usd'))) = %(currency)s
        and created_at < %(as_of)s
    group by to_user_id

),

agents as (

    select
        users.id as agent_id,
        users.name as agent_name,
        users.avatar,
        agent_profiles.tier,
        coalesce(recruits_per_agent.total_referrals, 0) as total_referrals,
        coalesce(deals_per_agent.total_deals, 0) as total_deals,
        coalesce(commission_per_agent.total_earnings, 0) as total_earnings
    from public.agent_profiles as agent_profiles
    inner join public.users as users
        on agent_profiles.user_id = users.id
    left join recruits_per_agent
        on agent_profiles.user_id = recruits_per_agent.agent_id
    left join deals_per_agent
        on agent_profiles.user_id = deals_per_agent.agent_id
    left join commission_per_agent
        on agent_profiles.user_id = commission_per_agent.agent_id

),

final as (

    select
        *,
        row_number() over (
            order by total_earnings desc, total_deals desc, total_referrals desc, agent_id asc
        ) as rank
    from agents

)

select * from final
