-- transactions: what is read of the operational table transactions.
--
-- Dialect  duckdb, with Postgres attached as pg
-- Grain    one row per money movement
-- Inputs   pg.public.transactions
-- Columns  id uuid not null · type character varying(30) not null · job_id uuid · gig_id uuid ·
--          from_user_id uuid · to_user_id uuid · amount numeric(15,2) not null ·
--          currency character varying(10) · status character varying(20) ·
--          created_at timestamp with time zone · payment_id text
-- Left     in Postgres: description, fee, split
-- Key      id
-- Money    amount
-- Time     created_at

select
    id,
    type,
    job_id,
    gig_id,
    from_user_id,
    to_user_id,
    amount,
    currency,
    status,
    created_at,
    payment_id
from pg.public.transactions
