-- agent_performance_metrics: each agent's figures that differ from those that stand there.
--
-- Whoever stopped being an agent since the extraction is skipped; whoever became one since then and
-- already has a row keeps it until the next refresh.
--
-- Dialect  postgres
-- Grain    one row per agent to be inserted, updated, deleted or skipped: the columns as they are to be; action
-- Inputs   pg_temp.staging_agent_performance_metrics, public.agent_performance_metrics, public.agent_profiles,
--          public.users
-- Order    user_id

with

staged as (

    select
        user_id,
        total_deals,
        total_referrals,
        verified_referrals,
        total_earnings,
        average_conversion_time,
        response_time,
        satisfaction_score,
        performance_score,
        last_calculated_at,
        is_gone
    from pg_temp.staging_agent_performance_metrics

),

standing as (

    select
        user_id,
        total_deals,
        total_referrals,
        verified_referrals,
        total_earnings,
        average_conversion_time,
        response_time,
        satisfaction_score,
        performance_score,
        last_calculated_at
    from public.agent_performance_metrics

),

agents as (

    select profiles.user_id
    from public.agent_profiles as profiles
    inner join public.users as users
        on profiles.user_id = users.id

),

final as (

    select
        staged.user_id,
        staged.total_deals,
        staged.total_referrals,
        staged.verified_referrals,
        staged.total_earnings,
        staged.average_conversion_time,
        staged.response_time,
        staged.satisfaction_score,
        staged.performance_score,
        staged.last_calculated_at,
        case
            when staged.is_gone then 'delete'
            when agents.user_id is null then 'skip'
            when standing.user_id is null then 'insert'
            else 'update'
        end as action
    from staged
    left join standing
        on staged.user_id = standing.user_id
    left join agents
        on staged.user_id = agents.user_id
    where
        case
            when staged.is_gone then standing.user_id is not null and agents.user_id is null
            else (
                staged.user_id,
                staged.total_deals,
                staged.total_referrals,
                staged.verified_referrals,
                staged.total_earnings,
                staged.average_conversion_time,
                staged.response_time,
                staged.satisfaction_score,
                staged.performance_score,
                staged.last_calculated_at
            ) is distinct from (
                standing.user_id,
                standing.total_deals,
                standing.total_referrals,
                standing.verified_referrals,
                standing.total_earnings,
                standing.average_conversion_time,
                standing.response_time,
                standing.satisfaction_score,
                standing.performance_score,
                standing.last_calculated_at
            )
        end

)

select * from final
order by user_id
