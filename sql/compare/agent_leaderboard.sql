-- agent_leaderboard: the rows of the board that differ from those the materialized view of this name shows.
--
-- Dialect  postgres
-- Grain    one row per agent to be inserted, updated or deleted: the columns as they are to be; action
-- Inputs   pg_temp.staging_agent_leaderboard, analytics.agent_leaderboard
-- Order    agent_id

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
        rank,
        is_gone
    from pg_temp.staging_agent_leaderboard

),

standing as (

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

final as (

    select
        staged.agent_id,
        staged.agent_name,
        staged.avatar,
        staged.tier,
        staged.total_referrals,
        staged.total_deals,
        staged.total_earnings,
        staged.rank,
        case
            when staged.is_gone then 'delete'
            when standing.agent_id is null then 'insert'
            else 'update'
        end as action
    from staged
    left join standing
        on staged.agent_id = standing.agent_id
    where
        case
            when staged.is_gone then standing.agent_id is not null
            else (
                staged.agent_id,
                staged.agent_name,
                staged.avatar,
                staged.tier,
                staged.total_referrals,
                staged.total_deals,
                staged.total_earnings,
                staged.rank
            ) is distinct from (
                standing.agent_id,
                standing.agent_name,
                standing.avatar,
                standing.tier,
                standing.total_referrals,
                standing.total_deals,
                standing.total_earnings,
                standing.rank
            )
        end

)

select * from final
order by agent_id
