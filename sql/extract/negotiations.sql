-- negotiations: what is read of the operational table negotiations.
--
-- Dialect  duckdb, with Postgres attached as pg
-- Grain    one row per negotiation
-- Inputs   pg.public.negotiations
-- Key      id
-- Time     created_at

select
    id,
    gig_id,
    influencer_id,
    sponsor_id,
    status,
    created_at
from pg.public.negotiations
