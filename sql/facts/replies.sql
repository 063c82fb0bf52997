-- replies: each time an agent answered in a conversation, and how long the others waited.
--
-- In each conversation the messages go by (created_at, id). One or more messages by others since the agent's last one,
-- followed by one of the agent's, are one reply; the wait is from the first of them.
--
-- +++
-- topic = "agents"
-- grain = "one row per reply"
-- inputs = ["raw.messages", "raw.conversations", "raw.agent_profiles", "raw.users"]
-- key = ["agent_id", "message_id"]
-- unit = { conversation_id = "conversation_id" }
-- row = { messages = "message_id" }
-- time = "replied_at"
-- links = { agent = "agent_id" }
--
-- [stands_on]
-- conversations = "conversation_id = id"
-- agent_profiles = "conversations.participants contains user_id"
-- users = "conversations.participants contains id"
--
-- [columns]
-- agent_id = "who answered"
-- conversation_id = "where"
-- message_id = "with which message"
-- waiting_since = ["time", "first message by others since the agent's last"]
-- replied_at = ["time", "the answer"]
-- wait_microseconds = ["microseconds", "replied_at minus waiting_since"]
--
-- [measures]
-- replies = ["replies", "count(*)", "replies of agents to those who wrote to them"]
-- response_time = ["hours", "mean(wait_microseconds)", "mean wait for an agent's reply"]
-- slow_response_time = ["hours", "percentile(0.9, wait_microseconds)", "nine of ten replies come faster than this"]
-- +++

with

participants as (

    select
        id as conversation_id,
        unnest(participants) as user_id
    from raw.conversations

),

agents_in_conversations as (

    select distinct
        participants.conversation_id,
        agent_profiles.user_id as agent_id
    from participants
    inner join raw.agent_profiles as agent_profiles
        on participants.user_id = agent_profiles.user_id
    inner join raw.users as users
        on agent_profiles.user_id = users.id

),

messages as (

    select
        agents_in_conversations.agent_id,
        messages.conversation_id,
        messages.id as message_id,
        messages.created_at,
        messages.sender_id = agents_in_conversations.agent_id as is_own
    from raw.messages as messages
    inner join agents_in_conversations
        on messages.conversation_id = agents_in_conversations.conversation_id
    where messages.created_at < $as_of

),

turns as (

    select
        *,
        lag(is_own) over (
            partition by agent_id, conversation_id order by created_at asc, message_id asc
        ) as previous_is_own
    from messages

),

-- Times only grow along the conversation, so the latest start of a run is the greatest.
runs as (

    select
        *,
        max(case when not is_own and coalesce(previous_is_own, true) then created_at end) over (
            partition by agent_id, conversation_id order by created_at asc, message_id asc
            rows between unbounded preceding and current row
        ) as waiting_since
    from turns

),

final as (

    select
        agent_id,
        conversation_id,
        message_id,
        waiting_since,
        created_at as replied_at,
        epoch_us(created_at) - epoch_us(waiting_since) as wait_microseconds
    from runs
    where is_own and not previous_is_own

)

select * from final
