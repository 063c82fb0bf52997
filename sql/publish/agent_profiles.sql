-- agent_profiles: write the summary columns of the agents' profiles that differ.
--
-- A profile that was deleted since the extraction is skipped.
--
-- Dialect  postgres
-- Grain    one row in all: rows inserted, updated, deleted and skipped
-- Source   metrics.agent_profile_summaries
-- From     agent_id
-- Inputs   pg_temp.changes_agent_profiles
-- Target   public.agent_profiles
-- Key      user_id
-- Columns  total_earnings, recruit_satisfaction_score, recruit_satisfaction_count
-- Params   %(part)s  which part of the changes

with

changes as (

    select
        user_id,
        total_earnings,
        recruit_satisfaction_score,
        recruit_satisfaction_count,
        action
    from pg_temp.changes_agent_profiles
    where part = %(part)s

),

updated as (

    update public.agent_profiles as target
    set
        total_earnings = changes.total_earnings,
        recruit_satisfaction_score = changes.recruit_satisfaction_score,
        recruit_satisfaction_count = changes.recruit_satisfaction_count
    from changes
    where
        target.user_id = changes.user_id
        and changes.action = 'update'
    returning target.user_id

),

counted as (

    select
        0 as inserted,
        (select count(*) from updated) as updated,
        0 as deleted,
        (select count(*) from changes) as changes

)

select
    inserted,
    updated,
    deleted,
    changes - inserted - updated - deleted as skipped
from counted
