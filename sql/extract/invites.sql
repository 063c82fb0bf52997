-- invites: what is read of the operational table invites.
--
-- Dialect  duckdb, with Postgres attached as pg
-- Grain    one row per invite
-- Inputs   pg.public.invites
-- Left     in Postgres: message, referral code, location
-- Key      id
-- Time     sent_at

select
    id,
    agent_id,
    contact_id,
    method,
    status,
    template_id,
    sent_at,
    opened_at,
    clicked_at,
    accepted_at,
    is_verified,
    verified_at,
    converted_user_id
from pg.public.invites
