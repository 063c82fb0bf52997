-- agent_replies: each time an agent answered in a conversation, and how long the others waited.
--
-- In each conversation the messages go by (created_at, id). One or more messages by others since the
-- agent's last one, followed by one of the agent's, are one reply; the wait is from the first of them.
--
-- +++
-- topic = "agents"
-- grain = "one row per reply"
-- key = "message_id"
-- inputs = "facts.replies"
-- order = "agent_id, replied_at, message_id"
--
-- [columns]
-- agent_id = "user id of the agent"
-- conversation_id = "conversation the reply stands in"
-- message_id = "the agent's message"
-- waiting_since = ["time", "first message by others since the agent's last"]
-- replied_at = ["time", "the agent's message was sent"]
-- wait_microseconds = ["microseconds", "replied_at minus waiting_since"]
-- +++

select
    agent_id,
    conversation_id,
    message_id,
    waiting_since,
    replied_at,
    wait_microseconds
from facts.replies
order by agent_id, replied_at, message_id
