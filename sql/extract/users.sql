-- users: what is read of the operational table users.
--
-- Dialect  duckdb, with Postgres attached as pg
-- Grain    one row per user
-- Inputs   pg.public.users
-- Columns  id uuid not null · name character varying(255) not null · avatar text ·
--          role character varying(20) not null · is_active boolean · created_at timestamp with time zone
-- Left     in Postgres: email, password_hash, Stripe ids and verification, sign-in times, referral codes
-- Key      id

select
    id,
    name,
    avatar,
    role,
    is_active,
    created_at
from pg.public.users
