-- users: what is read of the operational table users.
--
-- Dialect  duckdb, with Postgres attached as pg
-- Grain    one row per user
-- Inputs   pg.public.users
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
