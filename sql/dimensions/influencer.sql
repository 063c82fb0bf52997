-- influencer: the users who do the work: those with an influencer profile.
--
-- +++
-- topic = "people"
-- grain = "one row per profile"
-- inputs = "raw.influencer_profiles"
-- key = "influencer_id"
--
-- [columns]
-- influencer_id = "user id"
-- type = "of the profile"
-- location = "of the profile"
-- +++

select
    influencer_profiles.user_id as influencer_id,
    influencer_profiles.influencer_type as type,
    influencer_profiles.location
from raw.influencer_profiles as influencer_profiles
