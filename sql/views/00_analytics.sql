-- analytics: what a refresh writes for others to read, and the record of what was written.
--
-- The materialized views of the same names select from these tables: a refresh changes only the rows that differ.
--
-- +++
-- tables = [
--     "analytics.agent_leaderboard", "analytics.brand_leaderboard", "analytics.conversion_funnels",
--     "analytics.refreshes", "analytics.samples",
-- ]
-- units = """
-- conversion_* ratios 0 to 1; *_hours hours; average_payment_time days; total_earnings in the currency of the
-- refresh"""
-- +++

create schema if not exists analytics;

-- One row per agent, all time.
create table if not exists analytics.agent_leaderboard (
    agent_id uuid primary key,
    agent_name varchar(255) not null,
    avatar text,
    tier varchar(20),
    total_referrals bigint,
    total_deals bigint,
    total_earnings numeric,
    rank bigint
);

-- One row per sponsor, all time; one without a review has no rating, score or rank.
create table if not exists analytics.brand_leaderboard (
    sponsor_id uuid primary key,
    company varchar(255),
    overall_rating numeric,
    payment_speed_rating numeric,
    communication_rating numeric,
    professionalism_rating numeric,
    review_count bigint,
    total_deals bigint,
    average_payment_time numeric,
    reputation_score numeric,
    rank bigint
);

-- One row per funnel, breakdown value and stage, all time.
create table if not exists analytics.conversion_funnels (
    funnel text,
    breakdown text,
    breakdown_value text,
    stage_number bigint,
    stage text,
    reached bigint,
    dropped bigint,
    conversion_from_previous numeric,
    conversion_from_start numeric,
    median_hours_from_start numeric,
    p90_hours_from_start numeric,
    immature bigint,
    primary key (funnel, breakdown, breakdown_value, stage_number)
);

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
