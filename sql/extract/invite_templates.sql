-- invite_templates: what is read of the operational table invite_templates.
--
-- Dialect  duckdb, with Postgres attached as pg
-- Grain    one row per invite template
-- Inputs   pg.public.invite_templates
-- Columns  id uuid not null · agent_id uuid · name character varying(255) not null ·
--          ab_test_variant character varying(1)
-- Left     in Postgres: subject, message
-- Key      id

select
    id,
    agent_id,
    name,
    ab_test_variant
from pg.public.invite_templates
