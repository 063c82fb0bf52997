-- user: everybody with an account.
--
-- +++
-- grain = "one row per user"
-- inputs = "raw.users"
-- key = "user_id"
-- +++

select users.id as user_id
from raw.users as users
