-- metric_keys: a metric lacks a row, has one too many, or has one twice.
--
-- Agents are the users with a row in agent_profiles (a profile without its user is none), sponsors the users of that
-- role; contacts, templates and users are all there are. expected and found say how many rows the key ought to
-- have and has.
--
-- +++
-- grain = "one row per metric and key whose number of rows is wrong"
-- severity = "blocking"
-- inputs = [
--     "raw.agent_profiles", "raw.contacts", "raw.invite_templates", "raw.users", "metrics.agent_leaderboard",
--     "metrics.agent_performance_metrics", "metrics.agent_profile_summaries", "metrics.brand_reputations",
--     "metrics.contact_engagement", "metrics.invite_template_usage", "metrics.user_ratings",
-- ]
-- order = "metric, key"
-- remedy = "The metric is computed wrongly: report it, with the version of si_analytics"
-- +++

with

agents as (

    select agent_profiles.user_id
    from raw.agent_profiles as agent_profiles
    inner join raw.users as users
        on agent_profiles.user_id = users.id

),

keys as (

    select 'agent_leaderboard' as metric, user_id as key, 1 as expected, 0 as found from agents
    union all
    select 'agent_leaderboard' as metric, agent_id as key, 0 as expected, 1 as found from metrics.agent_leaderboard

    union all

    select 'agent_performance_metrics' as metric, user_id as key, 1 as expected, 0 as found from agents
    union all
    select 'agent_performance_metrics' as metric, user_id as key, 0 as expected, 1 as found
    from metrics.agent_performance_metrics

    union all

    select 'agent_profile_summaries' as metric, user_id as key, 1 as expected, 0 as found from agents
    union all
    select 'agent_profile_summaries' as metric, agent_id as key, 0 as expected, 1 as found
    from metrics.agent_profile_summaries

    union all

    select 'brand_reputations' as metric, id as key, 1 as expected, 0 as found from raw.users where role = 'sponsor'
    union all
    select 'brand_reputations' as metric, sponsor_id as key, 0 as expected, 1 as found from metrics.brand_reputations

    union all

    select 'contact_engagement' as metric, id as key, 1 as expected, 0 as found from raw.contacts
    union all
    select 'contact_engagement' as metric, contact_id as key, 0 as expected, 1 as found from metrics.contact_engagement

    union all

    select 'invite_template_usage' as metric, id as key, 1 as expected, 0 as found from raw.invite_templates
    union all
    select 'invite_template_usage' as metric, template_id as key, 0 as expected, 1 as found
    from metrics.invite_template_usage

    union all

    select 'user_ratings' as metric, id as key, 1 as expected, 0 as found from raw.users
    union all
    select 'user_ratings' as metric, user_id as key, 0 as expected, 1 as found from metrics.user_ratings

),

final as (

    select
        metric,
        key,
        cast(sum(expected) as bigint) as expected,
        cast(sum(found) as bigint) as found
    from keys
    group by metric, key
    having sum(expected) <> sum(found)

)

select * from final
order by metric, key
