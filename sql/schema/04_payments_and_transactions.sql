-- payments_and_transactions: where the money is: balances, movements, escrow, withdrawals.
--
-- transactions.job_id has no foreign key, as in the schema document.
--
-- +++
-- inputs = ["gig_applications", "gigs", "users"]
-- tables = ["user_balances", "transactions", "escrow_jobs", "withdrawals"]
-- +++

-- User account balances for different currencies.
create table if not exists user_balances (
    user_id uuid not null references users (id) on delete cascade,
    currency varchar(10) not null default 'usd' check (currency in ('usd', 'btc', 'eth')),
    available_balance decimal(15, 2) default 0,
    escrow_balance decimal(15, 2) default 0,
    total_earnings decimal(15, 2) default 0,
    total_withdrawals decimal(15, 2) default 0,
    last_updated timestamp with time zone default now(),
    primary key (user_id, currency)
);

create index if not exists idx_user_balances_user_id on user_balances (user_id);

-- All financial transactions on the platform.
create table if not exists transactions (
    id uuid primary key default uuid_generate_v4(),
    type varchar(30) not null check (
        type in (
            'payment_in', 'escrow_lock', 'release', 'commission_deduct', 'agent_commission',
            'withdrawal', 'refund'
        )
    ),
    job_id uuid,
    gig_id uuid references gigs (id),
    from_user_id uuid references users (id),
    to_user_id uuid references users (id),
    amount decimal(15, 2) not null,
    currency varchar(10) default 'usd',
    fee decimal(15, 2) default 0,
    attributed_agent_id uuid references users (id),
    recruited_type varchar(20) check (recruited_type in ('sponsor', 'influencer', 'both')),
    split_percentage integer,
    status varchar(20) default 'pending' check (status in ('pending', 'completed', 'failed')),
    created_at timestamp with time zone default now(),
    payment_id text,
    description text
);

create index if not exists idx_transactions_from_user on transactions (from_user_id);
create index if not exists idx_transactions_to_user on transactions (to_user_id);
create index if not exists idx_transactions_type on transactions (type);
create index if not exists idx_transactions_status on transactions (status);
create index if not exists idx_transactions_created_at on transactions (created_at desc);
create index if not exists idx_transactions_attributed_agent on transactions (attributed_agent_id);

-- Escrow management for deals.
create table if not exists escrow_jobs (
    id uuid primary key default uuid_generate_v4(),
    gig_id uuid not null references gigs (id),
    application_id uuid not null references gig_applications (id),
    sponsor_id uuid not null references users (id),
    influencer_id uuid not null references users (id),
    amount decimal(15, 2) not null,
    currency varchar(10) default 'usd',
    status varchar(30) default 'pending_payment' check (
        status in (
            'pending_payment', 'payment_processing', 'locked', 'work_in_progress', 'work_submitted',
            'under_review', 'approved', 'releasing', 'released', 'refunding', 'refunded', 'disputed'
        )
    ),
    locked_at timestamp with time zone,
    released_at timestamp with time zone,
    sponsor_agent_id uuid references users (id),
    influencer_agent_id uuid references users (id),
    stripe_payment_intent_id text,
    stripe_transfer_id text,
    work_submitted_at timestamp with time zone,
    review_started_at timestamp with time zone,
    approved_at timestamp with time zone,
    dispute_reason text,
    disputed_at timestamp with time zone,
    metadata jsonb,
    created_at timestamp with time zone default now(),
    updated_at timestamp with time zone default now()
);

create index if not exists idx_escrow_jobs_gig_id on escrow_jobs (gig_id);
create index if not exists idx_escrow_jobs_application_id on escrow_jobs (application_id);
create index if not exists idx_escrow_jobs_sponsor_id on escrow_jobs (sponsor_id);
create index if not exists idx_escrow_jobs_influencer_id on escrow_jobs (influencer_id);
create index if not exists idx_escrow_jobs_status on escrow_jobs (status);
create index if not exists idx_escrow_jobs_sponsor_agent on escrow_jobs (sponsor_agent_id);
create index if not exists idx_escrow_jobs_influencer_agent on escrow_jobs (influencer_agent_id);

-- Withdrawal requests from users.
create table if not exists withdrawals (
    id uuid primary key default uuid_generate_v4(),
    user_id uuid not null references users (id) on delete cascade,
    amount decimal(15, 2) not null,
    currency varchar(10) default 'usd',
    method varchar(20) not null check (method in ('stripe', 'coinbase')),
    destination text not null,
    status varchar(20) default 'pending' check (status in ('pending', 'processing', 'completed', 'failed')),
    created_at timestamp with time zone default now(),
    completed_at timestamp with time zone,
    transaction_id text,
    failure_reason text
);

create index if not exists idx_withdrawals_user_id on withdrawals (user_id);
create index if not exists idx_withdrawals_status on withdrawals (status);
create index if not exists idx_withdrawals_created_at on withdrawals (created_at desc);
