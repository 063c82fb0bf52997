-- agent_attributes: the row that says who an agent is.
--
-- +++
-- grain = "one row per agent asked for"
-- explains = [
--     "agent_leaderboard.agent_id", "agent_leaderboard.agent_name", "agent_leaderboard.avatar",
--     "agent_leaderboard.tier", "agent_performance_metrics.user_id",
-- ]
-- how = "value of the row"
-- empty = "null"
-- inputs = ["raw.agent_profiles", "raw.users"]
-- units = "value as text, as it stands in source_column of source_table"
-- order = "id"
--
-- [params]
-- key = "id of the agent"
-- column = "the column explained"
-- +++

with

final as (

    select
        agent_profiles.user_id as id,
        case when $column in ('agent_name', 'avatar') then 'users' else 'agent_profiles' end as source_table,
        case $column when 'agent_name' then 'name' when 'agent_id' then 'user_id' else $column end as source_column,
        case $column
            when 'agent_name' then users.name
            when 'avatar' then users.avatar
            when 'tier' then agent_profiles.tier
            else cast(agent_profiles.user_id as varchar)
        end as value
    from raw.agent_profiles as agent_profiles
    inner join raw.users as users
        on agent_profiles.user_id = users.id
    where agent_profiles.user_id = cast($key as uuid)

)

select * from final
order by id
