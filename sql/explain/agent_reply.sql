-- agent_reply: the reply that a row of agent_replies is, and which of its ids the cell holds.
--
-- +++
-- grain = "one row per reply asked for"
-- explains = ["agent_replies.agent_id", "agent_replies.conversation_id", "agent_replies.message_id"]
-- how = "value of the row"
-- inputs = "facts.replies"
-- units = "wait_microseconds in microseconds; value as text"
-- order = "message_id"
--
-- [params]
-- message_id = "id of the agent's message"
-- column = "the column explained"
-- +++

with

final as (

    select
        agent_id,
        conversation_id,
        message_id,
        waiting_since,
        replied_at,
        wait_microseconds,
        'messages' as source_table,
        message_id as source_id,
        case $column
            when 'agent_id' then cast(agent_id as varchar)
            when 'conversation_id' then cast(conversation_id as varchar)
            when 'message_id' then cast(message_id as varchar)
        end as value
    from facts.replies
    where message_id = cast($message_id as uuid)

)

select * from final
order by message_id
