-- escrow_jobs: what is read of the operational table escrow_jobs.
--
-- Dialect  duckdb, with Postgres attached as pg
-- Grain    one row per escrow job
-- Inputs   pg.public.escrow_jobs
-- Columns  id uuid not null · gig_id uuid not null · application_id uuid not null ·
--          sponsor_id uuid not null · influencer_id uuid not null · amount numeric(15,2) not null ·
--          currency character varying(10) · status character varying(30) ·
--          created_at timestamp with time zone · locked_at timestamp with time zone ·
--          work_submitted_at timestamp with time zone · approved_at timestamp with time zone ·
--          released_at timestamp with time zone
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
