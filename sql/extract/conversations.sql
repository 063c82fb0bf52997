-- conversations: what is read of the operational table conversations.
--
-- Dialect  duckdb, with Postgres attached as pg
-- Grain    one row per conversation
-- Inputs   pg.public.conversations
-- Columns  id uuid not null · participants uuid[] not null
-- Key      id

select
    id,
    participants
from pg.public.conversations
