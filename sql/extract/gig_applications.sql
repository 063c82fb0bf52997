-- gig_applications: what is read of the operational table gig_applications.
--
-- Dialect  duckdb, with Postgres attached as pg
-- Grain    one row per application
-- Inputs   pg.public.gig_applications
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
