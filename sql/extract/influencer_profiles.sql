-- influencer_profiles: what is read of the operational table influencer_profiles.
--
-- Dialect  duckdb, with Postgres attached as pg
-- Grain    one row per influencer profile
-- Inputs   pg.public.influencer_profiles
-- Columns  user_id uuid not null · influencer_type character varying(100) ·
--          location character varying(255)
-- Left     in Postgres: bio, accounts, portfolio, payment preferences
-- Key      user_id

select
    user_id,
    influencer_type,
    location
from pg.public.influencer_profiles
