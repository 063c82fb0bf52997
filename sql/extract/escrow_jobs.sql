-- escrow_jobs: what is read of the operational table escrow_jobs.
--
-- Dialect  duckdb, with Postgres attached as pg
-- Grain    one row per escrow job
-- Inputs   pg.public.escrow_jobs
-- Left     in Postgres: Stripe ids, dispute reason, metadata
-- Key      id
-- Money    amount
-- Time     created_at

select
    id,
    gig_id,
    application_id,
    sponsor_id,
    influencer_id,
    amount,
    currency,
    status,
    created_at,
    locked_at,
    work_submitted_at,
    approved_at,
    released_at
from pg.public.escrow_jobs
