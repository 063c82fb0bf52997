-- gig_comparisons: what is read of the operational table gig_comparisons.
--
-- Dialect  duckdb, with Postgres attached as pg
-- Grain    one row per comparison list
-- Inputs   pg.public.gig_comparisons
-- Columns  id uuid not null · gig_ids uuid[] not null
-- Left     in Postgres: name
-- Key      id

select
    id,
    gig_ids
from pg.public.gig_comparisons
