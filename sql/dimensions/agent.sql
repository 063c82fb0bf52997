-- agent: the users who recruit: those with an agent profile.
--
-- A profile whose user is gone is no agent.
--
-- +++
-- topic = "agents"
-- grain = "one row per agent"
-- inputs = ["raw.agent_profiles", "raw.users"]
-- key = "agent_id"
-- unit = { user_id = "agent_id" }
--
-- [stands_on]
-- users = "user_id = id"
--
-- [columns]
-- agent_id = "user id"
-- tier = "of the profile"
-- specialty = ["list", "each of the profile's specialties"]
-- name = "of the user"
-- +++

select
    agent_profiles.user_id as agent_id,
    agent_profiles.tier,
    agent_profiles.specialties as specialty,
    users.name
from raw.agent_profiles as agent_profiles
inner join raw.users as users
    on agent_profiles.user_id = users.id
