-- agent_leaderboard: the board that the materialized view of this name shows.
--
-- Dialect  postgres
-- Grain    one row in all: rows inserted, updated, deleted and skipped
-- Source   metrics.agent_leaderboard
-- Inputs   pg_temp.changes_agent_leaderboard
-- Target   analytics.agent_leaderboard
-- Key      agent_id
-- Columns  agent_name, avatar, tier, total_referrals, total_deals, total_earnings, rank
-- Params   %(part)s  which part of the changes

with

changes as (

    select
        agent_id,
        agent_name,
        avatar,
        tier,
        total_referrals,
        total_deals,
        total_earnings,
        rank,
        action
    from pg_temp.changes_agent_leaderboard
    where part = %(part)s

),

inserted as (

    insert into analytics.agent_leaderboard (
        agent_id,
        agent_name,
        avatar,
        tier,
        total_referrals,
        total_deals,
        total_earnings,
        rank
    )
    select
        agent_id,
        agent_name,
        avatar,
        tier,
        total_referrals,
        total_deals,
        total_earnings,
        rank
    from changes
    where action = 'insert'
    order by agent_id
    on conflict (agent_id) do update set
        agent_name = excluded.agent_name,
        avatar = excluded.avatar,
        tier = excluded.tier,
        total_referrals = excluded.total_referrals,
        total_deals = excluded.total_deals,
        total_earnings = excluded.total_earnings,
        rank = excluded.rank
    returning agent_id

),

updated as (

    update analytics.agent_leaderboard as target
    set
        agent_name = changes.agent_name,
        avatar = changes.avatar,
        tier = changes.tier,
        total_referrals = changes.total_referrals,
        total_deals = changes.total_deals,
        total_earnings = changes.total_earnings,
        rank = changes.rank
    from changes
    where
        target.agent_id = changes.agent_id
        and changes.action = 'update'
    returning target.agent_id

),

deleted as (

    delete from analytics.agent_leaderboard as target
    using changes
    where
        target.agent_id = changes.agent_id
        and changes.action = 'delete'
    returning target.agent_id

),

counted as (

    select
        (select count(*) from inserted) as inserted,
        (select count(*) from updated) as updated,
        (select count(*) from deleted) as deleted,
        (select count(*) from changes) as changes

)

select
    inserted,
    updated,
    deleted,
    changes - inserted - updated - deleted as skipped
from counted
