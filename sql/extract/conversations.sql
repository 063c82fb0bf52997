-- conversations: what is read of the operational table conversations.
--
-- Dialect  duckdb, with Postgres attached as pg
-- Grain    one row per conversation
-- Inputs   pg.public.conversations
-- Key      id

select
    id,
    participants
from pg.public.conversations
