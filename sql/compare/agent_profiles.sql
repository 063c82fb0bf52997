-- agent_profiles: the agents' profiles whose summary columns differ.
--
-- A profile that was deleted since the extraction is skipped.
--
-- Dialect  postgres
-- Grain    one row per agent to be updated or skipped: the columns as they are to be; action
-- Inputs   pg_temp.staging_agent_profiles, public.agent_profiles
-- Order    user_id

with

staged as (

    select
        user_id,
        total_earnings,
        recruit_satisfaction_score,
        recruit_satisfaction_count,
        is_gone
    from pg_temp.staging_agent_profiles

),

standing as (

    select
        user_id,
        total_earnings,
        recruit_satisfaction_score,
        recruit_satisfaction_count
    from public.agent_profiles

),

final as (

    select
        staged.user_id,
        staged.total_earnings,
        staged.recruit_satisfaction_score,
        staged.recruit_satisfaction_count,
        case when standing.user_id is null then 'skip' else 'update' end as action
    from staged
    left join standing
        on staged.user_id = standing.user_id
    where
        not staged.is_gone
        and (
            staged.user_id,
            staged.total_earnings,
            staged.recruit_satisfaction_score,
            staged.recruit_satisfaction_count
        ) is distinct from (
            standing.user_id,
            standing.total_earnings,
            standing.recruit_satisfaction_score,
            standing.recruit_satisfaction_count
        )

)

select * from final
order by user_id
