-- analytics: the record of what refreshes wrote, and of the samples loaded.
--
-- The tables of the boards are in this schema as well; they follow from the targets.
--
-- +++
-- tables = ["analytics.refreshes", "analytics.samples"]
-- units = "seconds in seconds"
-- +++

create schema if not exists analytics;

-- One row per published refresh.
create table if not exists analytics.refreshes (
    refresh_id uuid primary key,
    as_of timestamp with time zone,
    snapshot text,
    currency text,
    started_at timestamp with time zone,
    finished_at timestamp with time zone,
    seconds numeric,
    published_by text default current_user,
    who text, -- who logged in, from where, with which application
    changed jsonb -- {table: rows written}
);

-- One row per sample marketplace loaded here.
create table if not exists analytics.samples (
    scale numeric,
    seed bigint,
    generator text,
    loaded_at timestamp with time zone default now(),
    primary key (scale, seed, generator)
);
