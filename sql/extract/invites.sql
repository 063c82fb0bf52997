-- invites: what is read of the operational table invites.
--
-- Dialect  duckdb, with Postgres attached as pg
-- Grain    one row per invite
-- Inputs   pg.public.invites
-- Columns  id uuid not null · agent_id uuid not null · contact_id uuid not null ·
--          method character varying(20) not null · status character varying(20) · template_id uuid ·
--          sent_at timestamp with time zone · opened_at timestamp with time zone ·
--          clicked_at timestamp with time zone · accepted_at timestamp with time zone ·
--          is_verified boolean · verified_at timestamp with time zone · converted_user_id uuid
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
