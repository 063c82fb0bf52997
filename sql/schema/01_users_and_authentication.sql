-- users_and_authentication: who takes part: accounts, what each role says about itself, sessions.
--
-- +++
-- tables = [
--     "users", "influencer_profiles", "social_accounts", "sponsor_profiles", "agent_profiles",
--     "agent_performance_metrics", "admin_profiles", "refresh_tokens",
-- ]
-- +++

-- Primary table for all user accounts.
create table if not exists users (
    id uuid primary key default uuid_generate_v4(),
    email varchar(255) unique not null,
    password_hash varchar(255) not null,
    name varchar(255) not null,
    role varchar(20) not null check (role in ('influencer', 'sponsor', 'agent', 'admin')),
    avatar text,
    created_at timestamp with time zone default now(),
    updated_at timestamp with time zone default now(),
    is_active boolean default true,
    referral_code varchar(20) unique,
    referred_by uuid references users (id),
    rating decimal(2, 1) default 0 check (rating >= 0 and rating <= 5),
    review_count integer default 0,
    stripe_connected_account_id varchar(255),
    stripe_onboarding_complete boolean default false,
    stripe_verification_status varchar(20) default 'not_started',
    stripe_verified_at timestamp with time zone,
    last_login_at timestamp with time zone,
    email_verified boolean default false,
    email_verified_at timestamp with time zone
);

create index if not exists idx_users_email on users (email);
create index if not exists idx_users_role on users (role);
create index if not exists idx_users_referral_code on users (referral_code);
create index if not exists idx_users_referred_by on users (referred_by);
create index if not exists idx_users_created_at on users (created_at desc);

-- Extended profile data for influencers.
create table if not exists influencer_profiles (
    user_id uuid primary key references users (id) on delete cascade,
    bio text,
    influencer_type varchar(100),
    sports text[], -- Array of sports for athletes
    categories text[] not null,
    location varchar(255),
    followers integer default 0,
    engagement_rate decimal(5, 2) default 0, -- Percentage
    platforms jsonb, -- {instagram: "@user", tiktok: "@user", ...}
    portfolio jsonb, -- Array of portfolio items
    rate_per_post decimal(10, 2),
    payment_preferences text[] default array['fiat'], -- ['fiat', 'crypto']
    accepted_cryptos text[], -- ['BTC', 'ETH', 'USDT', 'USDC']
    created_at timestamp with time zone default now(),
    updated_at timestamp with time zone default now()
);

create index if not exists idx_influencer_profiles_categories on influencer_profiles using gin (categories);
create index if not exists idx_influencer_profiles_location on influencer_profiles (location);
create index if not exists idx_influencer_profiles_followers on influencer_profiles (followers desc);
create index if not exists idx_influencer_profiles_rate on influencer_profiles (rate_per_post);

-- Verified social media accounts for influencers.
create table if not exists social_accounts (
    id uuid primary key default uuid_generate_v4(),
    user_id uuid not null references users (id) on delete cascade,
    platform varchar(20) not null check (
        platform in (
            'instagram', 'tiktok', 'youtube', 'twitter', 'facebook'
        )
    ),
    username varchar(255) not null,
    url text not null,
    followers integer default 0,
    is_verified boolean default false,
    verified_at timestamp with time zone,
    last_synced timestamp with time zone,
    created_at timestamp with time zone default now(),
    unique (user_id, platform)
);

create index if not exists idx_social_accounts_user_id on social_accounts (user_id);
create index if not exists idx_social_accounts_platform on social_accounts (platform);
create index if not exists idx_social_accounts_verified on social_accounts (is_verified) where is_verified = true;

-- Extended profile data for sponsors (brands).
create table if not exists sponsor_profiles (
    user_id uuid primary key references users (id) on delete cascade,
    company varchar(255) not null,
    industry varchar(100),
    location varchar(255),
    website text,
    description text,
    created_at timestamp with time zone default now(),
    updated_at timestamp with time zone default now()
);

create index if not exists idx_sponsor_profiles_industry on sponsor_profiles (industry);
create index if not exists idx_sponsor_profiles_location on sponsor_profiles (location);

-- Extended profile data for agents.
create table if not exists agent_profiles (
    user_id uuid primary key references users (id) on delete cascade,
    bio text,
    specialties text[],
    is_subscribed boolean default false,
    subscription_expiry timestamp with time zone,
    total_earnings decimal(10, 2) default 0,
    tier varchar(20) default 'bronze' check (tier in ('bronze', 'silver', 'gold', 'platinum')),
    auto_payout_threshold decimal(10, 2),
    next_payout_date timestamp with time zone,
    verification_level varchar(30) default 'unverified',
    email_verified boolean default false,
    phone_verified boolean default false,
    id_verified boolean default false,
    recruit_satisfaction_score decimal(2, 1),
    recruit_satisfaction_count integer default 0,
    created_at timestamp with time zone default now(),
    updated_at timestamp with time zone default now()
);

create index if not exists idx_agent_profiles_tier on agent_profiles (tier);
create index if not exists idx_agent_profiles_subscribed on agent_profiles (is_subscribed) where is_subscribed = true;
create index if not exists idx_agent_profiles_total_earnings on agent_profiles (total_earnings desc);

-- Performance tracking for agents.
create table if not exists agent_performance_metrics (
    user_id uuid primary key references users (id) on delete cascade,
    total_deals integer default 0,
    total_referrals integer default 0,
    verified_referrals integer default 0,
    total_earnings decimal(10, 2) default 0,
    average_conversion_time decimal(10, 2), -- Days
    response_time decimal(10, 2), -- Hours
    satisfaction_score decimal(2, 1),
    performance_score decimal(10, 2),
    last_calculated_at timestamp with time zone default now(),
    updated_at timestamp with time zone default now()
);

-- Extended profile data for admins.
create table if not exists admin_profiles (
    user_id uuid primary key references users (id) on delete cascade,
    permissions text[] not null, -- Array of permission strings
    created_at timestamp with time zone default now(),
    updated_at timestamp with time zone default now()
);

-- JWT refresh tokens for session management.
create table if not exists refresh_tokens (
    id uuid primary key default uuid_generate_v4(),
    user_id uuid not null references users (id) on delete cascade,
    token text unique not null,
    expires_at timestamp with time zone not null,
    created_at timestamp with time zone default now(),
    revoked_at timestamp with time zone,
    ip_address inet,
    user_agent text
);

create index if not exists idx_refresh_tokens_user_id on refresh_tokens (user_id);
create index if not exists idx_refresh_tokens_token on refresh_tokens (token);
create index if not exists idx_refresh_tokens_expires_at on refresh_tokens (expires_at);
