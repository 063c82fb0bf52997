-- gig_applications: what is read of the operational table gig_applications.
--
-- Dialect  duckdb, with Postgres attached as pg
-- Grain    one row per application
-- Inputs   pg.public.gig_applications
-- Columns  id uuid not null · gig_id uuid not null · influencer_id uuid not null ·
--          status character varying(20) · applied_at timestamp with time zone ·
--          reviewed_at timestamp with time zone
-- Left     in Postgres: message
-- Key      id
-- Time     applied_at

select
    id,
    gig_id,
    influencer_id,
    status,
    applied_at,
    reviewed_at
from pg.public.gig_applications
