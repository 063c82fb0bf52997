-- invite_templates: what is read of the operational table invite_templates.
--
-- Dialect  duckdb, with Postgres attached as pg
-- Grain    one row per invite template
-- Inputs   pg.public.invite_templates
-- Left     in Postgres: subject, message
-- Key      id

select
    id,
    agent_id,
    name,
    ab_test_variant
from pg.public.invite_templates
