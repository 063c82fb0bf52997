-- messaging: who talks to whom.
--
-- Participants and readers are arrays of user ids: no foreign key guards them.
--
-- +++
-- inputs = ["deals", "users"]
-- tables = ["conversations", "messages"]
-- +++

-- Message threads between users.
create table if not exists conversations (
    id uuid primary key default uuid_generate_v4(),
    participants uuid[] not null, -- Array of user IDs
    deal_id uuid references deals (id),
    created_at timestamp with time zone default now(),
    updated_at timestamp with time zone default now()
);

create index if not exists idx_conversations_participants on conversations using gin (participants);
create index if not exists idx_conversations_deal_id on conversations (deal_id);
create index if not exists idx_conversations_updated_at on conversations (updated_at desc);

-- Individual messages within conversations.
create table if not exists messages (
    id uuid primary key default uuid_generate_v4(),
    conversation_id uuid not null references conversations (id) on delete cascade,
    sender_id uuid not null references users (id),
    content text not null,
    created_at timestamp with time zone default now(),
    read_by uuid[] default array[]::uuid[], -- Array of user IDs who read the message
    attachments jsonb
);

create index if not exists idx_messages_conversation_id on messages (conversation_id);
create index if not exists idx_messages_sender_id on messages (sender_id);
create index if not exists idx_messages_created_at on messages (created_at desc);
create index if not exists idx_messages_read_by on messages using gin (read_by);
