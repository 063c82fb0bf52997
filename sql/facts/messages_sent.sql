-- messages_sent: what users wrote to each other.
--
-- +++
-- topic = "people"
-- grain = "one row per message"
-- inputs = "raw.messages"
-- key = "message_id"
-- row = { messages = "message_id" }
-- time = "created_at"
-- links = { user = "sender_id" }
--
-- [columns]
-- message_id = "the message"
-- created_at = ["time", "it was sent"]
-- sender_id = "by whom"
--
-- [measures]
-- messages_sent = ["messages", "count(*)", "messages sent"]
-- +++

select
    id as message_id,
    created_at,
    sender_id
from raw.messages
where created_at < $as_of
