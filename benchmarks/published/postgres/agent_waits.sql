-- agent_waits: how long each agent lets others wait for an answer.
--
-- Seen from an agent a conversation is a run of others' messages, a run of their own, and so on; it begins as if
-- after their own. Only the first message of each run matters: an own one answers the others' one just before it.
--
-- Dialect  postgres
-- Grain    one row per agent who ever answered
-- Inputs   public.agent_profiles, public.conversations, public.messages
-- Params   %(as_of)s  timestamptz, exclusive
-- Units    mean_wait seconds, to 30 decimals: equal means of different counts are equal

create temporary table agent_waits on commit drop as

with

agents_in_conversations as (

    select distinct
        conversations.id as conversation_id,
        agent_profiles.user_id as agent_id
    from public.conversations as conversations
    cross join unnest(conversations.participants) as participants (user_id)
    inner join public.agent_profiles as agent_profiles
        on participants.user_id = agent_profiles.user_id

),

messages as (

    select
        agents_in_conversations.agent_id,
        messages.conversation_id,
        messages.id as message_id,
        messages.created_at,
        messages.sender_id = agents_in_conversations.agent_id as is_own
    from public.messages as messages
    inner join agents_in_conversations
        on messages.conversation_id = agents_in_conversations.conversation_id
    where messages.created_at < %(as_of)s

),

turns as (

    select
        *,
        is_own <> lag(is_own, 1, true) over conversation as starts_run
    from messages
    window conversation as (partition by agent_id, conversation_id order by created_at asc, message_id asc)

),

runs as (

    select
        agent_id,
        is_own,
        created_at - lag(created_at) over conversation as waited
    from turns
    where starts_run
    window conversation as (partition by agent_id, conversation_id order by created_at asc, message_id asc)

),

final as (

    select
        agent_id,
        avg(cast(extract(epoch from waited) as numeric(50, 30))) as mean_wait
    from runs
    where is_own
    group by agent_id

)

select * from final
