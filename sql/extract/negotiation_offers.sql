-- negotiation_offers: what is read of the operational table negotiation_offers.
--
-- Dialect  duckdb, with Postgres attached as pg
-- Grain    one row per offer of a negotiation
-- Inputs   pg.public.negotiation_offers
-- Left     in Postgres: amount, deliverables, message
-- Key      id
-- Time     created_at

select
    id,
    negotiation_id,
    from_user_id,
    status,
    created_at,
    responded_at
from pg.public.negotiation_offers
