-- rewards_and_gamification: what users earn for what they do.
--
-- +++
-- inputs = "users"
-- tables = ["reward_triggers", "reward_definitions", "user_rewards", "achievements", "user_achievements"]
-- +++

-- Definitions of events that trigger rewards.
create table if not exists reward_triggers (
    id uuid primary key default uuid_generate_v4(),
    type varchar(50) not null,
    name varchar(255) not null,
    description text,
    conditions jsonb not null,
    is_active boolean default true,
    created_at timestamp with time zone default now(),
    updated_at timestamp with time zone default now()
);

create index if not exists idx_reward_triggers_type on reward_triggers (type);
create index if not exists idx_reward_triggers_is_active on reward_triggers (is_active) where is_active = true;

-- Specific rewards tied to triggers.
create table if not exists reward_definitions (
    id uuid primary key default uuid_generate_v4(),
    trigger_id uuid not null references reward_triggers (id) on delete cascade,
    name varchar(255) not null,
    description text,
    reward_type varchar(20) not null check (reward_type in ('points', 'cash', 'crypto', 'badge')),
    amount decimal(15, 2),
    currency varchar(10),
    badge_icon text,
    badge_color varchar(20),
    is_active boolean default true,
    created_at timestamp with time zone default now(),
    updated_at timestamp with time zone default now()
);

create index if not exists idx_reward_definitions_trigger_id on reward_definitions (trigger_id);
create index if not exists idx_reward_definitions_reward_type on reward_definitions (reward_type);
create index if not exists idx_reward_definitions_is_active on reward_definitions (is_active) where is_active = true;

-- Rewards earned by users.
create table if not exists user_rewards (
    id uuid primary key default uuid_generate_v4(),
    user_id uuid not null references users (id) on delete cascade,
    reward_definition_id uuid not null references reward_definitions (id),
    reward_name varchar(255) not null,
    reward_type varchar(20) not null,
    amount decimal(15, 2),
    currency varchar(10),
    status varchar(20) default 'pending' check (status in ('pending', 'processing', 'completed', 'failed')),
    earned_at timestamp with time zone default now(),
    claimed_at timestamp with time zone,
    transaction_hash text,
    metadata jsonb
);

create index if not exists idx_user_rewards_user_id on user_rewards (user_id);
create index if not exists idx_user_rewards_status on user_rewards (status);
create index if not exists idx_user_rewards_reward_type on user_rewards (reward_type);
create index if not exists idx_user_rewards_earned_at on user_rewards (earned_at desc);

-- Gamification achievements.
create table if not exists achievements (
    id varchar(50) primary key,
    name varchar(255) not null,
    description text,
    icon text,
    requirement integer not null,
    category varchar(30) not null check (category in ('earnings', 'recruits', 'conversion', 'milestone')),
    tier varchar(20) check (tier in ('bronze', 'silver', 'gold', 'platinum'))
);

-- Achievements unlocked by users.
create table if not exists user_achievements (
    id uuid primary key default uuid_generate_v4(),
    user_id uuid not null references users (id) on delete cascade,
    achievement_id varchar(50) not null references achievements (id),
    unlocked_at timestamp with time zone default now(),
    unique (user_id, achievement_id)
);

create index if not exists idx_user_achievements_user_id on user_achievements (user_id);
create index if not exists idx_user_achievements_achievement_id on user_achievements (achievement_id);
