-- signups: users who joined.
--
-- +++
-- topic = "people"
-- grain = "one row per user with a time of signing up"
-- inputs = "raw.users"
-- key = "user_id"
-- row = { users = "user_id" }
-- time = "created_at"
-- links = { user = "user_id", agent = "user_id", brand = "user_id", influencer = "user_id" }
--
-- [columns]
-- user_id = "the user"
-- created_at = ["time", "signed up"]
--
-- [measures]
-- signups = ["users", "count(*)", "users who signed up"]
-- +++

select
    id as user_id,
    created_at
from raw.users
where created_at < $as_of
