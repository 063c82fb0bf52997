-- agent_leaderboard: agents ranked by what they earned, with the deals and recruits behind it.
--
-- A deal counts once for an agent even where both of its parties are recruits. Each measure is
-- added up on its own grain before any join: joined first, a commission would count once per deal.
-- An agent is a user with a profile: a profile whose user is gone is none, and takes no rank.
--
-- +++
-- topic = "agents"
-- grain = "one row per agent; an agent with nothing is kept, with zeros"
-- key = "agent_id"
-- money = "total_earnings"
-- rows = "agent"
-- window = true
-- inputs = ["raw.agent_profiles", "raw.users"]
-- order = "rank"
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
-- [cells]
-- total_referrals = "recruits"
-- total_deals = "attributed_deals"
-- total_earnings = "commission"
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

ranked as (

    select
        *,
        row_number() over (order by total_earnings desc, total_deals desc, total_referrals desc, agent_id asc) as rank
    from measured

),

-- An agent with nothing in the window before had no rank worth comparing with.
previous as (

    select
        *,
        row_number() over (order by total_earnings desc, total_deals desc, total_referrals desc, agent_id asc) as rank
    from measured_before

)

select
    ranked.agent_id,
    users.name as agent_name,
    users.avatar,
    agent_profiles.tier,
    ranked.total_referrals,
    ranked.total_deals,
    ranked.total_earnings,
    ranked.rank,
    previous.rank as previous_rank,
    previous.rank - ranked.rank as rank_change
from ranked
inner join raw.agent_profiles as agent_profiles
    on ranked.agent_id = agent_profiles.user_id
inner join raw.users as users
    on ranked.agent_id = users.id
left join previous
    on
        ranked.agent_id = previous.agent_id
        and (previous.total_earnings <> 0 or previous.total_deals <> 0 or previous.total_referrals <> 0)
order by ranked.rank
