-- records: what a warehouse says about itself, and the boards of days gone by.
--
-- Made in every working file; the rows of the published warehouse are carried over into it.
--
-- +++
-- tables = [
--     "meta.refreshes", "meta.extracts", "meta.publications", "meta.metrics", "meta.performance_weights",
--     "history.agent_leaderboard", "history.conversion_funnels",
-- ]
-- units = """
-- seconds in seconds, *_hours_from_start in hours; money and total_earnings in the currency of the row or
-- refresh"""
-- +++

create schema if not exists meta;
create schema if not exists history;

-- One row per refresh, numbered as they came; changed is {target: rows written}, server names cluster and database,
-- position is timeline and bytes of the server's log that the snapshot is not beyond; log is how far a replication slot
-- was read, null without one.
create table meta.refreshes (
    refresh_id uuid primary key,
    number bigint,
    as_of timestamptz,
    snapshot varchar,
    server varchar,
    position varchar,
    log varchar,
    taken_at timestamptz,
    currency varchar,
    timezone varchar,
    seconds double,
    rows_written bigint,
    changed json
);

-- One row per refresh and table that was read: how, why all of it where it was, and how the table was not as expected.
-- identity changes with whatever could change values without a mark on their rows; reconciled_at is when all rows were
-- last compared with Postgres.
create table meta.extracts (
    refresh_id uuid,
    table_name varchar,
    rows bigint,
    inserted bigint,
    updated bigint,
    deleted bigint,
    mode varchar,
    reason varchar,
    seconds double,
    money decimal(38, 2),
    identity varchar,
    drift varchar,
    reconciled_at timestamptz,
    snapshot varchar,
    primary key (refresh_id, table_name)
);

-- One row per target, of the refresh in this file if it was published: why all of it was compared, if it was, and what
-- the next publish finds changes by. The target was compared no earlier than in the snapshot; identity changes with
-- whatever could change values without a mark on their rows; changed counts the rows written, and unwritten those that
-- stand otherwise than the metric says.
create table meta.publications (
    target varchar primary key,
    refresh_id uuid,
    finished_at timestamptz,
    server varchar,
    snapshot varchar,
    identity varchar,
    changed bigint,
    unwritten bigint,
    reason varchar
);

-- One row per refresh and metric.
create table meta.metrics (
    refresh_id uuid,
    metric varchar,
    rows bigint,
    primary key (refresh_id, metric)
);

-- What each component of the performance score weighs, in the last refresh.
create table meta.performance_weights (
    component varchar primary key,
    weight decimal(9, 6)
);

-- One row per day, currency and agent: the all-time board as of that day, in the reporting time zone.
create table history.agent_leaderboard (
    as_of_date date,
    currency varchar,
    agent_id uuid,
    agent_name varchar,
    tier varchar,
    total_referrals bigint,
    total_deals bigint,
    total_earnings decimal(38, 2),
    rank bigint,
    primary key (as_of_date, currency, agent_id)
);

-- One row per day, funnel and stage: the all-time funnels as of that day, in the reporting time zone.
create table history.conversion_funnels (
    as_of_date date,
    funnel varchar,
    breakdown varchar,
    breakdown_value varchar,
    stage_number bigint,
    stage varchar,
    reached bigint,
    dropped bigint,
    conversion_from_previous decimal(38, 6),
    conversion_from_start decimal(38, 6),
    median_hours_from_start decimal(38, 2),
    p90_hours_from_start decimal(38, 2),
    immature bigint,
    primary key (as_of_date, funnel, breakdown, breakdown_value, stage_number)
);
