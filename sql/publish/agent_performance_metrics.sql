-- agent_performance_metrics: write each agent's figures where they differ from those that stand there.
--
-- Whoever stopped being an agent since the extraction is skipped; whoever became one since then and
-- already has a row keeps it until the next refresh.
--
-- Dialect  postgres
-- Grain    one row in all: rows inserted, updated, deleted and skipped
-- Source   metrics.agent_performance_metrics
-- Inputs   pg_temp.staging_agent_performance_metrics, public.agent_profiles
-- Target   public.agent_performance_metrics

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
        last_calculated_at
    from pg_temp.staging_agent_performance_metrics

),

present as (

    select staged.*
    from staged
    where exists (select 1 from public.agent_profiles as source where source.user_id = staged.user_id)

),

changed as (

    select * from present
    except
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

written as (

    insert into public.agent_performance_metrics as target (
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
    )
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
    from changed
    order by user_id
    on conflict (user_id) do update set
        total_deals = excluded.total_deals,
        total_referrals = excluded.total_referrals,
        verified_referrals = excluded.verified_referrals,
        total_earnings = excluded.total_earnings,
        average_conversion_time = excluded.average_conversion_time,
        response_time = excluded.response_time,
        satisfaction_score = excluded.satisfaction_score,
        performance_score = excluded.performance_score,
        last_calculated_at = excluded.last_calculated_at
    returning target.xmax = 0 as is_new

),

removed as (

    delete from public.agent_performance_metrics as target
    where
        not exists (select 1 from staged where staged.user_id = target.user_id)
        and not exists (select 1 from public.agent_profiles as source where source.user_id = target.user_id)
    returning 1

)

select
    (select count(*) from written where is_new) as inserted,
    (select count(*) from written where not is_new) as updated,
    (select count(*) from removed) as deleted,
    (select count(*) from staged) - (select count(*) from present) as skipped
