-- negotiations: what is read of the operational table negotiations.
--
-- Dialect  duckdb, with Postgres attached as pg
-- Grain    one row per negotiation
-- Inputs   pg.public.negotiations
-- Columns  id uuid not null · gig_id uuid not null · influencer_id uuid not null ·
--          sponsor_id uuid not null · status character varying(20) · created_at timestamp with time zone
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
