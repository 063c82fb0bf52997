-- agent_reply_messages: the messages that waited for a reply, and the reply.
--
-- Those that waited are the messages by others since the agent's last one. In a conversation the messages go by
-- (created_at, id).
--
-- +++
-- grain = "one row per message by others that waited, and one for the reply"
-- explains = ["agent_replies.waiting_since", "agent_replies.replied_at", "agent_replies.wait_microseconds"]
-- inputs = ["facts.replies", "raw.messages"]
-- units = "value is the time the message was sent"
-- order = "value, message_id"
--
-- [how]
-- waiting_since = "least value"
-- replied_at = "greatest value"
-- wait_microseconds = "microseconds from least value to greatest value"
--
-- [params]
-- message_id = "id of the agent's message"
-- +++

with

reply as (

    select * from facts.replies
    where message_id = cast($message_id as uuid)

),

-- The agent's own messages before it number a message: those that waited have the number of the reply.
messages as (

    select
        reply.agent_id,
        messages.conversation_id,
        messages.id as message_id,
        messages.sender_id,
        case when messages.sender_id = reply.agent_id then 'reply' else 'waiting' end as part,
        messages.created_at,
        count(case when messages.sender_id = reply.agent_id then 1 end) over (
            order by messages.created_at asc, messages.id asc
            rows between unbounded preceding and current row
        ) as own_messages
    from reply
    inner join raw.messages as messages
        on reply.conversation_id = messages.conversation_id
    where messages.created_at <= reply.replied_at

),

final as (

    select
        messages.part,
        messages.agent_id,
        messages.conversation_id,
        messages.message_id,
        messages.sender_id,
        'messages' as source_table,
        messages.message_id as source_id,
        messages.created_at as value
    from messages
    inner join messages as replied
        on
            messages.message_id = replied.message_id
            or (messages.part = 'waiting' and messages.own_messages + 1 = replied.own_messages)
    where replied.message_id = cast($message_id as uuid)

)

select * from final
order by value, message_id
