-- sponsor_profiles: what is read of the operational table sponsor_profiles.
--
-- Dialect  duckdb, with Postgres attached as pg
-- Grain    one row per sponsor profile
-- Inputs   pg.public.sponsor_profiles
-- Columns  user_id uuid not null · company character varying(255) not null · industry character varying(100) ·
--          location character varying(255)
-- Left     in Postgres: website, description
-- Key      user_id

select
    user_id,
    company,
    industry,
    location
from pg.public.sponsor_profiles
