-- user: everybody with an account.
--
-- +++
-- topic = "people"
-- grain = "one row per user"
-- inputs = "raw.users"
-- key = "user_id"
--
-- [columns]
-- user_id = "the user"
-- role = "of the user"
-- created_at = ["time", "signed up"]
-- signup_month = ["month of created_at", "first day of the month of signing up"]
-- +++

select
    users.id as user_id,
    users.role,
    users.created_at
from raw.users as users
