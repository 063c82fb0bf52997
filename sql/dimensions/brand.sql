-- brand: the users who post gigs: those with the role sponsor.
--
-- +++
-- topic = "brands"
-- grain = "one row per sponsor"
-- inputs = ["raw.users", "raw.sponsor_profiles"]
-- key = "sponsor_id"
-- unit = { id = "sponsor_id" }
--
-- [stands_on]
-- sponsor_profiles = "id = user_id"
--
-- [columns]
-- sponsor_id = "user id"
-- company = "of the profile"
-- industry = "of the profile"
-- location = "of the profile"
-- +++

select
    users.id as sponsor_id,
    sponsor_profiles.company,
    sponsor_profiles.industry,
    sponsor_profiles.location
from raw.users as users
left join raw.sponsor_profiles as sponsor_profiles
    on users.id = sponsor_profiles.user_id
where users.role = 'sponsor'
