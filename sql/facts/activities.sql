-- activities: what the feed tells.
--
-- +++
-- topic = "people"
-- grain = "one row per activity in the feed"
-- inputs = "raw.feed_activities"
-- key = "activity_id"
-- row = { feed_activities = "activity_id" }
-- time = "created_at"
-- links = { user = "user_id", gig = "gig_id" }
--
-- [columns]
-- activity_id = "the activity"
-- created_at = ["time", "it happened"]
-- type = "what happened"
-- user_id = "who did it, null for an announcement"
-- gig_id = "over which gig"
--
-- [measures]
-- activities = ["activities", "count(*)", "entries in users' feeds"]
-- +++

select
    id as activity_id,
    created_at,
    type,
    user_id,
    gig_id
from raw.feed_activities
where created_at < $as_of
