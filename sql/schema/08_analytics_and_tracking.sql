-- analytics_and_tracking: what happened, and who is told.
--
-- +++
-- inputs = ["deals", "gigs", "users"]
-- tables = ["feed_activities", "notifications", "matches"]
-- +++

-- Platform-wide activity feed.
create table if not exists feed_activities (
    id uuid primary key default uuid_generate_v4(),
    type varchar(50) not null,
    title varchar(255) not null,
    description text,
    user_id uuid references users (id),
    target_user_id uuid references users (id),
    gig_id uuid references gigs (id),
    deal_id uuid references deals (id),
    amount decimal(10, 2),
    metadata jsonb,
    created_at timestamp with time zone default now()
);

create index if not exists idx_feed_activities_type on feed_activities (type);
create index if not exists idx_feed_activities_user_id on feed_activities (user_id);
create index if not exists idx_feed_activities_created_at on feed_activities (created_at desc);

-- User notifications.
create table if not exists notifications (
    id uuid primary key default uuid_generate_v4(),
    user_id uuid not null references users (id) on delete cascade,
    type varchar(30) not null,
    priority varchar(20) default 'medium' check (priority in ('low', 'medium', 'high', 'urgent')),
    title varchar(255) not null,
    message text not null,
    read boolean default false,
    created_at timestamp with time zone default now(),
    related_id uuid,
    action_url text,
    action_label varchar(100),
    image_url text,
    metadata jsonb
);

create index if not exists idx_notifications_user_id on notifications (user_id);
create index if not exists idx_notifications_read on notifications (read) where read = false;
create index if not exists idx_notifications_type on notifications (type);
create index if not exists idx_notifications_created_at on notifications (created_at desc);

-- Swipe-based matches between users.
create table if not exists matches (
    id uuid primary key default uuid_generate_v4(),
    user_id uuid not null references users (id) on delete cascade,
    target_id uuid not null references users (id) on delete cascade,
    gig_id uuid references gigs (id),
    match_score integer,
    matched_at timestamp with time zone default now(),
    unique (user_id, target_id, gig_id)
);

create index if not exists idx_matches_user_id on matches (user_id);
create index if not exists idx_matches_target_id on matches (target_id);
create index if not exists idx_matches_gig_id on matches (gig_id);
