-- agent_performance_metrics: write each agent's figures that differ from those that stand there.
--
-- Whoever stopped being an agent since the extraction is skipped; whoever became one since then and
-- already has a row keeps it until the next refresh.
--
-- Dialect  postgres
-- Grain    one row in all: rows inserted, updated, deleted and skipped
-- Source   metrics.agent_performance_metrics
-- Inputs   pg_temp.changes_agent_performance_metrics, public.agent_profiles
-- Target   public.agent_performance_metrics
-- Key      user_id
-- Columns  total_deals, total_referrals, verified_referrals, total_earnings, average_conversion_time, response_time,
--          satisfaction_score, performance_score, last_calculated_at
-- Params   %(part)s  which part of the changes

with

changes as (

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
        action
    from pg_temp.changes_agent_performance_metrics
    where part = %(part)s

),

inserted as (

    insert into public.agent_performance_metrics (
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
    from changes
    where
        action = 'insert'
        and exists (select 1 from public.agent_profiles as source where source.user_id = changes.user_id)
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
    returning user_id

),

updated as (

    update public.agent_performance_metrics as target
    set
        total_deals = changes.total_deals,
        total_referrals = changes.total_referrals,
        verified_referrals = changes.verified_referrals,
        total_earnings = changes.total_earnings,
        average_conversion_time = changes.average_conversion_time,
        response_time = changes.response_time,
        satisfaction_score = changes.satisfaction_score,
        performance_score = changes.performance_score,
        last_calculated_at = changes.last_calculated_at
    from changes
    where
        target.user_id = changes.user_id
        and changes.action = 'update'
    returning target.user_id

),

deleted as (

    delete from public.agent_performance_metrics as target
    using changes
    where
        target.user_id = changes.user_id
        and changes.action = 'delete'
    returning target.user_id

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
