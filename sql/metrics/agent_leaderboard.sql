-- agent_leaderboard: agents ranked by what they earned, with the deals and recruits behind it.
--
-- A deal counts once for an agent even where both of its parties are recruits. Each measure is
-- added up on its own grain before any join: joined first, a commission would count once per deal.
-- An agent is a user with a profile: a profile whose user is gone is none, and takes no rank.
--
-- +++
-- topic = "agents"
-- grain = "one row per agent; an agent with nothing is kept, with zeros"
-- inputs = ["raw.agent_profiles", "raw.users", "raw.referrals", "raw.deals", "raw.transactions"]
-- key = "agent_id"
-- money = "total_earnings"
-- order = "rank"
--
-- [params]
-- since = "timestamptz or null, inclusive"
-- until = "timestamptz, exclusive"
-- previous_since = "timestamptz or null: where the window before begins"
-- previous_until = "timestamptz or null: where it ends, null without one"
-- currency = "text"
--
-- [columns]
-- agent_id = "user id of the agent"
-- agent_name = "name of the user"
-- avatar = "address of the user's picture, null without one"
-- tier = "tier of the agent's profile"
-- total_referrals = ["recruits", "active recruits; with since, those recruited within the window"]
-- total_deals = ["deals", "deals of active recruits created in the window, each once"]
-- total_earnings = ["reporting currency", "completed commissions to the agent in the window"]
-- rank = [
--     "place",
--     """
--     1 to n, without gaps or ties: by total_earnings, then total_deals, then total_referrals, each descending,
--     then agent_id""",
-- ]
-- previous_rank = [
--     "place",
--     """
--     with since: the rank in the window before; null without since, and for an agent who had no earnings, deals
--     and referrals in it""",
-- ]
-- rank_change = ["places", "previous_rank minus rank, positive is up; null where previous_rank is"]
--
-- [targets.agent_leaderboard]
-- table = "analytics.agent_leaderboard"
-- key = "agent_id"
-- every = "agent"
-- indexes = { rank = "rank" }
--
-- [targets.agent_leaderboard.types]
-- agent_id = "uuid"
-- agent_name = "varchar(255) not null"
-- avatar = "text"
-- tier = "varchar(20)"
-- total_referrals = "bigint"
-- total_deals = "bigint"
-- total_earnings = "numeric"
-- rank = "bigint"
-- +++

with

spans as (

    select
        'current' as span,
        cast($since as timestamptz) as starts_at,
        cast($until as timestamptz) as ends_at

    union all

    select
        'previous' as span,
        cast($previous_since as timestamptz) as starts_at,
        cast($previous_until as timestamptz) as ends_at
    where $previous_until is not null

),

active_recruits as (

    select distinct
        spans.span,
        referrals.agent_id,
        referrals.recruited_user_id,
        spans.starts_at is null or coalesce(referrals.recruited_at >= spans.starts_at, false) as in_span
    from raw.referrals as referrals
    inner join spans
        on (referrals.recruited_at < spans.ends_at or referrals.recruited_at is null)
    where referrals.is_active

),

referrals_per_agent as (

    select
        span,
        agent_id,
        count(distinct recruited_user_id) as total_referrals
    from active_recruits
    where in_span
    group by span, agent_id

),

deal_parties as (

    select
        id,
        influencer_id as user_id,
        created_at
    from raw.deals

    union

    select
        id,
        sponsor_id as user_id,
        created_at
    from raw.deals

),

deals_per_agent as (

    select
        active_recruits.span,
        active_recruits.agent_id,
        count(distinct deal_parties.id) as total_deals
    from deal_parties
    inner join active_recruits
        on deal_parties.user_id = active_recruits.recruited_user_id
    inner join spans
        on active_recruits.span = spans.span
    where
        (spans.starts_at is null or deal_parties.created_at >= spans.starts_at)
        and deal_parties.created_at < spans.ends_at
    group by active_recruits.span, active_recruits.agent_id

),

commission_per_agent as (

    select
        spans.span,
        transactions.to_user_id as agent_id,
        sum(transactions.amount) as total_earnings
    from raw.transactions as transactions
    inner join spans
        on
            (spans.starts_at is null or transactions.created_at >= spans.starts_at)
            and transactions.created_at < spans.ends_at
    where
        transactions.type = 'agent_commission'
        and transactions.status = 'completed'
        and lower(trim(coalesce(transactions.currency, 'usd'), ' ')) = $currency
    group by spans.span, transactions.to_user_id

),

agents as (

    select
        users.id as agent_id,
        users.name as agent_name,
        users.avatar,
        agent_profiles.tier
    from raw.agent_profiles as agent_profiles
    inner join raw.users as users
        on agent_profiles.user_id = users.id

),

totals as (

    select
        spans.span,
        agents.agent_id,
        coalesce(referrals_per_agent.total_referrals, 0) as total_referrals,
        coalesce(deals_per_agent.total_deals, 0) as total_deals,
        cast(coalesce(commission_per_agent.total_earnings, 0) as decimal(38, 2)) as total_earnings
    from agents
    cross join spans
    left join referrals_per_agent
        on
            agents.agent_id = referrals_per_agent.agent_id
            and spans.span = referrals_per_agent.span
    left join deals_per_agent
        on
            agents.agent_id = deals_per_agent.agent_id
            and spans.span = deals_per_agent.span
    left join commission_per_agent
        on
            agents.agent_id = commission_per_agent.agent_id
            and spans.span = commission_per_agent.span

),

ranked as (

    select
        *,
        row_number() over (
            partition by span
            order by total_earnings desc, total_deals desc, total_referrals desc, agent_id asc
        ) as rank
    from totals

),

-- An agent with nothing in the span before had no rank worth comparing with.
previous as (

    select
        agent_id,
        rank
    from ranked
    where
        span = 'previous'
        and (total_earnings <> 0 or total_deals <> 0 or total_referrals <> 0)

),

final as (

    select
        ranked.agent_id,
        agents.agent_name,
        agents.avatar,
        agents.tier,
        ranked.total_referrals,
        ranked.total_deals,
        ranked.total_earnings,
        ranked.rank,
        previous.rank as previous_rank,
        previous.rank - ranked.rank as rank_change
    from ranked
    inner join agents
        on ranked.agent_id = agents.agent_id
    left join previous
        on ranked.agent_id = previous.agent_id
    where ranked.span = 'current'

)

select * from final
order by rank
