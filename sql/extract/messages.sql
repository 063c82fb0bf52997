-- messages: what is read of the operational table messages.
--
-- Dialect  duckdb, with Postgres attached as pg
-- Grain    one row per message
-- Inputs   pg.public.messages
-- Columns  id uuid not null · conversation_id uuid not null · sender_id uuid not null ·
--          created_at timestamp with time zone
-- Left     in Postgres: content, attachments, readers
-- Key      id
-- Time     created_at

select
    id,
    conversation_id,
    sender_id,
    created_at
from pg.public.messages
