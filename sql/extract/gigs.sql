-- gigs: what is read of the operational table gigs.
--
-- Dialect  duckdb, with Postgres attached as pg
-- Grain    one row per gig
-- Inputs   pg.public.gigs
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
