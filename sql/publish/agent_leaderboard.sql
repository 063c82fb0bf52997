-- agent_leaderboard: the board that the materialized view of this name shows.
--
-- Dialect  postgres
-- Grain    one row in all: rows inserted, updated, deleted and skipped
-- Source   metrics.agent_leaderboard
-- Inputs   pg_temp.staging_agent_leaderboard
-- Target   analytics.agent_leaderboard

with

staged as (

    select
        agent_id,
        agent_name,
        avatar,
        tier,
        total_referrals,
        total_deals,
        total_earnings,
        rank
    from pg_temp.staging_agent_leaderboard

),

present as (

    select * from staged

),

changed as (

    select * from present
    except
    select
        agent_id,
        agent_name,
        avatar,
        tier,
        total_referrals,
        total_deals,
        total_earnings,
        rank
    from analytics.agent_leaderboard

),

written as (

    insert into analytics.agent_leaderboard as target (
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
    from changed
    order by agent_id
    on conflict (agent_id) do update set
        agent_name = excluded.agent_name,
        avatar = excluded.avatar,
        tier = excluded.tier,
        total_referrals = excluded.total_referrals,
        total_deals = excluded.total_deals,
        total_earnings = excluded.total_earnings,
        rank = excluded.rank
    returning target.xmax = 0 as is_new

),

removed as (

    delete from analytics.agent_leaderboard as target
    where
        not exists (select 1 from staged where staged.agent_id = target.agent_id)
    returning 1

)

select
    (select count(*) from written where is_new) as inserted,
    (select count(*) from written where not is_new) as updated,
    (select count(*) from removed) as deleted,
    (select count(*) from staged) - (select count(*) from present) as skipped
