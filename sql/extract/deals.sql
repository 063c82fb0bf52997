-- deals: what is read of the operational table deals.
--
-- Dialect  duckdb, with Postgres attached as pg
-- Grain    one row per deal
-- Inputs   pg.public.deals
-- Columns  id uuid not null · gig_id uuid not null · influencer_id uuid not null ·
--          sponsor_id uuid not null · agent_id uuid · amount numeric(10,2) not null ·
--          status character varying(20) · created_at timestamp with time zone ·
--          completed_at timestamp with time zone
-- Left     in Postgres: contract_hash, payment_method, agent_commission
-- Key      id
-- Money    amount
-- Time     created_at

select
    id,
    gig_id,
    influencer_id,
    sponsor_id,
    agent_id,
    amount,
    status,
    created_at,
    completed_at
from pg.public.deals
