-- agent_profiles: what is read of the operational table agent_profiles.
--
-- Dialect  duckdb, with Postgres attached as pg
-- Grain    one row per agent
-- Inputs   pg.public.agent_profiles
-- Columns  user_id uuid not null · tier character varying(20) · specialties text[]
-- Left     in Postgres: bio, payout and verification details
-- Key      user_id

select
    user_id,
    tier,
    specialties
from pg.public.agent_profiles
