-- agent_profiles: write the summary columns of each agent's profile where they differ.
--
-- A row that was deleted since the extraction is skipped.
--
-- Dialect  postgres
-- Grain    one row in all: rows inserted, updated, deleted and skipped
-- Source   metrics.agent_profile_summaries
-- Inputs   pg_temp.staging_agent_profiles
-- Target   public.agent_profiles

with

staged as (

    select
        agent_id,
        total_earnings,
        recruit_satisfaction_score,
        recruit_satisfaction_count
    from pg_temp.staging_agent_profiles

),

present as (

    select staged.*
    from staged
    inner join public.agent_profiles as target
        on staged.agent_id = target.user_id

),

changed as (

    select * from present
    except
    select
        user_id,
        total_earnings,
        recruit_satisfaction_score,
        recruit_satisfaction_count
    from public.agent_profiles

),

written as (

    update public.agent_profiles as target
    set
        total_earnings = changed.total_earnings,
        recruit_satisfaction_score = changed.recruit_satisfaction_score,
        recruit_satisfaction_count = changed.recruit_satisfaction_count
    from changed
    where target.user_id = changed.agent_id
    returning 1

)

select
    0 as inserted,
    (select count(*) from written) as updated,
    0 as deleted,
    (select count(*) from staged) - (select count(*) from present) as skipped
