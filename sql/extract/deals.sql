-- deals: what is read of the operational table deals.
--
-- Dialect  duckdb, with Postgres attached as pg
-- Grain    one row per deal
-- Inputs   pg.public.deals
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
