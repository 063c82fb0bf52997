-- negotiation_offers: what is read of the operational table negotiation_offers.
--
-- Dialect  duckdb, with Postgres attached as pg
-- Grain    one row per offer of a negotiation
-- Inputs   pg.public.negotiation_offers
-- Columns  id uuid not null · negotiation_id uuid not null · from_user_id uuid not null ·
--          status character varying(20) · created_at timestamp with time zone ·
--          responded_at timestamp with time zone
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
