-- agent_system: how agents recruit: referrals, contacts, invitations, bonuses, payouts.
--
-- invites.template_id has no foreign key, as in the schema document.
--
-- +++
-- inputs = "users"
-- tables = [
--     "referrals", "contacts", "contact_engagement", "invites", "invite_templates", "contact_reminders",
--     "agent_bonuses", "auto_payouts",
-- ]
-- +++

-- Agent referrals tracking.
create table if not exists referrals (
    id uuid primary key default uuid_generate_v4(),
    agent_id uuid not null references users (id) on delete cascade,
    recruited_user_id uuid not null references users (id) on delete cascade,
    recruited_user_type varchar(20) not null check (recruited_user_type in ('sponsor', 'influencer')),
    recruited_at timestamp with time zone default now(),
    total_commissions_earned decimal(15, 2) default 0,
    is_active boolean default true,
    unique (agent_id, recruited_user_id)
);

create index if not exists idx_referrals_agent_id on referrals (agent_id);
create index if not exists idx_referrals_recruited_user_id on referrals (recruited_user_id);
create index if not exists idx_referrals_is_active on referrals (is_active) where is_active = true;

-- Agent's imported contacts.
create table if not exists contacts (
    id uuid primary key default uuid_generate_v4(),
    agent_id uuid not null references users (id) on delete cascade,
    name varchar(255) not null,
    email varchar(255),
    phone varchar(50),
    linkedin_url text,
    source varchar(20) not null check (source in ('manual', 'imported', 'linkedin')),
    segment varchar(20) check (segment in ('hot', 'warm', 'cold', 'converted', 'unresponsive')),
    tags text[],
    notes text,
    added_at timestamp with time zone default now(),
    last_contacted_at timestamp with time zone,
    next_follow_up_date date
);

create index if not exists idx_contacts_agent_id on contacts (agent_id);
create index if not exists idx_contacts_email on contacts (email);
create index if not exists idx_contacts_phone on contacts (phone);
create index if not exists idx_contacts_segment on contacts (segment);
create index if not exists idx_contacts_tags on contacts using gin (tags);

-- Engagement metrics for contacts.
create table if not exists contact_engagement (
    contact_id uuid primary key references contacts (id) on delete cascade,
    total_invites_sent integer default 0,
    last_invite_sent_at timestamp with time zone,
    opened_count integer default 0,
    clicked_count integer default 0,
    last_opened_at timestamp with time zone,
    last_clicked_at timestamp with time zone,
    response_rate decimal(5, 2) default 0,
    updated_at timestamp with time zone default now()
);

-- Invitations sent by agents.
create table if not exists invites (
    id uuid primary key default uuid_generate_v4(),
    agent_id uuid not null references users (id) on delete cascade,
    contact_id uuid not null references contacts (id) on delete cascade,
    method varchar(20) not null check (method in ('sms', 'email', 'both')),
    status varchar(20) default 'pending' check (status in ('pending', 'sent', 'accepted', 'expired')),
    referral_code varchar(20) not null,
    template_id uuid,
    message text not null,
    sent_at timestamp with time zone,
    accepted_at timestamp with time zone,
    expires_at timestamp with time zone,
    reminder_sent_at timestamp with time zone,
    second_reminder_sent_at timestamp with time zone,
    is_verified boolean default false,
    verified_at timestamp with time zone,
    converted_user_id uuid references users (id),
    location varchar(255),
    opened_at timestamp with time zone,
    clicked_at timestamp with time zone,
    accepted_within_days integer,
    created_at timestamp with time zone default now()
);

create index if not exists idx_invites_agent_id on invites (agent_id);
create index if not exists idx_invites_contact_id on invites (contact_id);
create index if not exists idx_invites_referral_code on invites (referral_code);
create index if not exists idx_invites_status on invites (status);
create index if not exists idx_invites_sent_at on invites (sent_at desc);

-- Templates for invitation messages.
create table if not exists invite_templates (
    id uuid primary key default uuid_generate_v4(),
    agent_id uuid references users (id) on delete cascade,
    name varchar(255) not null,
    subject varchar(500),
    message text not null,
    is_default boolean default false,
    ab_test_variant varchar(1) check (ab_test_variant in ('A', 'B')),
    times_used integer default 0,
    acceptance_rate decimal(5, 2),
    created_at timestamp with time zone default now(),
    updated_at timestamp with time zone default now()
);

create index if not exists idx_invite_templates_agent_id on invite_templates (agent_id);
create index if not exists idx_invite_templates_is_default on invite_templates (is_default) where is_default = true;

-- Scheduled reminders for follow-ups.
create table if not exists contact_reminders (
    id uuid primary key default uuid_generate_v4(),
    contact_id uuid not null references contacts (id) on delete cascade,
    scheduled_for timestamp with time zone not null,
    message text not null,
    status varchar(20) default 'scheduled' check (status in ('scheduled', 'sent', 'cancelled')),
    created_at timestamp with time zone default now(),
    sent_at timestamp with time zone
);

create index if not exists idx_contact_reminders_contact_id on contact_reminders (contact_id);
create index if not exists idx_contact_reminders_scheduled_for on contact_reminders (scheduled_for);
create index if not exists idx_contact_reminders_status on contact_reminders (status);

-- Performance bonuses for agents.
create table if not exists agent_bonuses (
    id uuid primary key default uuid_generate_v4(),
    agent_id uuid not null references users (id) on delete cascade,
    period varchar(20) not null check (period in ('monthly', 'quarterly')),
    period_start date not null,
    period_end date not null,
    bonus_type varchar(30) not null check (bonus_type in ('performance', 'milestone', 'tier_upgrade')),
    amount decimal(10, 2) not null,
    status varchar(20) default 'pending' check (status in ('pending', 'approved', 'paid')),
    earned_at timestamp with time zone default now(),
    paid_at timestamp with time zone,
    criteria jsonb
);

create index if not exists idx_agent_bonuses_agent_id on agent_bonuses (agent_id);
create index if not exists idx_agent_bonuses_period on agent_bonuses (period_start, period_end);
create index if not exists idx_agent_bonuses_status on agent_bonuses (status);

-- Automatic payout configurations for agents.
create table if not exists auto_payouts (
    id uuid primary key default uuid_generate_v4(),
    agent_id uuid unique not null references users (id) on delete cascade,
    threshold decimal(10, 2) not null,
    next_scheduled_date timestamp with time zone,
    last_payout_date timestamp with time zone,
    last_payout_amount decimal(10, 2),
    is_active boolean default true,
    created_at timestamp with time zone default now(),
    updated_at timestamp with time zone default now()
);

create index if not exists idx_auto_payouts_agent_id on auto_payouts (agent_id);
create index if not exists idx_auto_payouts_is_active on auto_payouts (is_active) where is_active = true;
