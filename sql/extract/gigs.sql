-- gigs: what is read of the operational table gigs.
--
-- Dialect  duckdb, with Postgres attached as pg
-- Grain    one row per gig
-- Inputs   pg.public.gigs
-- Columns  id uuid not null · sponsor_id uuid not null · categories text[] not null ·
--          location character varying(255) · status character varying(20) ·
--          created_at timestamp with time zone
-- Left     in Postgres: title, description, budget, requirements
-- Key      id
-- Time     created_at

select
    id,
    sponsor_id,
    categories,
    location,
    status,
    created_at
from pg.public.gigs
