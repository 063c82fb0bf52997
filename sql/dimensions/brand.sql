-- brand: the users who post gigs: those with the role sponsor.
--
-- +++
-- grain = "one row per sponsor"
-- inputs = "raw.users"
-- key = "sponsor_id"
-- +++

select users.id as sponsor_id
from raw.users as users
where users.role = 'sponsor'
