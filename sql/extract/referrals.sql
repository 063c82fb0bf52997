-- referrals: what is read of the operational table referrals.
--
-- Dialect  duckdb, with Postgres attached as pg
-- Grain    one row per agent and recruited user
-- Inputs   pg.public.referrals
-- Columns  id uuid not null · agent_id uuid not null · recruited_user_id uuid not null ·
--          recruited_user_type character varying(20) not null · recruited_at timestamp with time zone ·
--          is_active boolean
-- Key      id
-- Time     recruited_at

select
    id,
    agent_id,
    recruited_user_id,
    recruited_user_type,
    recruited_at,
    is_active
from pg.public.referrals
