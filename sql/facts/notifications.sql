-- notifications: what users were told, and whether they read it.
--
-- Whether one was read is as of the extraction: the schema keeps no time of it.
--
-- +++
-- topic = "people"
-- grain = "one row per notification"
-- inputs = "raw.notifications"
-- key = "notification_id"
-- row = { notifications = "notification_id" }
-- time = "created_at"
-- links = { user = "user_id" }
--
-- [columns]
-- notification_id = "the notification"
-- created_at = ["time", "it was sent"]
-- user_id = "to whom"
-- type = "about what"
-- priority = "low, medium, high or urgent"
-- is_read = "at extraction"
--
-- [measures]
-- notifications = ["notifications", "count(*)", "notifications sent"]
-- notifications_read_rate = [
--     "ratio", "count(*) filter (where is_read) / count(*)",
--     "the share of notifications that were read",
-- ]
-- +++

select
    id as notification_id,
    created_at,
    user_id,
    type,
    priority,
    coalesce(read, false) as is_read
from raw.notifications
where created_at < $as_of
