-- transactions: what is read of the operational table transactions.
--
-- Dialect  duckdb, with Postgres attached as pg
-- Grain    one row per money movement
-- Inputs   pg.public.transactions
-- Left     in Postgres: payment_id, description, fee, split
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
    created_at
from pg.public.transactions
