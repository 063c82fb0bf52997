-- wallet_and_crypto: wallets and the tokens in them.
--
-- +++
-- inputs = "users"
-- tables = ["connected_wallets", "impact_token_balances", "token_withdrawal_requests"]
-- +++

-- Crypto wallets connected by users.
create table if not exists connected_wallets (
    id uuid primary key default uuid_generate_v4(),
    user_id uuid not null references users (id) on delete cascade,
    address varchar(255) not null,
    network varchar(20) not null check (network in ('ethereum', 'polygon', 'solana', 'bitcoin')),
    provider varchar(20) check (provider in ('metamask', 'walletconnect', 'coinbase', 'trust', 'manual')),
    is_connected boolean default true,
    is_verified boolean default false,
    connected_at timestamp with time zone default now(),
    last_used_at timestamp with time zone,
    created_at timestamp with time zone default now(),
    unique (user_id, address)
);

create index if not exists idx_connected_wallets_user_id on connected_wallets (user_id);
create index if not exists idx_connected_wallets_address on connected_wallets (address);
create index if not exists idx_connected_wallets_network on connected_wallets (network);

-- ImPAct token balances for connected wallets.
create table if not exists impact_token_balances (
    user_id uuid not null references users (id) on delete cascade,
    wallet_address varchar(255) not null,
    balance decimal(18, 8) default 0,
    locked_balance decimal(18, 8) default 0,
    total_earned decimal(18, 8) default 0,
    total_withdrawn decimal(18, 8) default 0,
    last_updated timestamp with time zone default now(),
    primary key (user_id, wallet_address)
);

create index if not exists idx_impact_balances_user_id on impact_token_balances (user_id);
create index if not exists idx_impact_balances_wallet on impact_token_balances (wallet_address);

-- Withdrawal requests for ImPAct tokens.
create table if not exists token_withdrawal_requests (
    id uuid primary key default uuid_generate_v4(),
    user_id uuid not null references users (id) on delete cascade,
    wallet_address varchar(255) not null,
    amount decimal(18, 8) not null,
    status varchar(20) default 'pending' check (status in ('pending', 'processing', 'completed', 'failed')),
    requested_at timestamp with time zone default now(),
    processed_at timestamp with time zone,
    transaction_hash text,
    failure_reason text
);

create index if not exists idx_token_withdrawals_user_id on token_withdrawal_requests (user_id);
create index if not exists idx_token_withdrawals_status on token_withdrawal_requests (status);
create index if not exists idx_token_withdrawals_requested_at on token_withdrawal_requests (requested_at desc);
