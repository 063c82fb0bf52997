-- contacts: what is read of the operational table contacts.
--
-- Dialect  duckdb, with Postgres attached as pg
-- Grain    one row per contact of an agent
-- Inputs   pg.public.contacts
-- Columns  id uuid not null · agent_id uuid not null · source character varying(20) not null ·
--          segment character varying(20)
-- Left     in Postgres: name, email, phone, profile address, tags, notes
-- Key      id

select
    id,
    agent_id,
    source,
    segment
from pg.public.contacts
