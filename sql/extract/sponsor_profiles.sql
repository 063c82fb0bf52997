-- sponsor_profiles: what is read of the operational table sponsor_profiles.
--
-- Dialect  duckdb, with Postgres attached as pg
-- Grain    one row per sponsor profile
-- Inputs   pg.public.sponsor_profiles
-- Left     in Postgres: website, description, location
-- Key      user_id

select
    user_id,
    company,
    industry
from pg.public.sponsor_profiles
