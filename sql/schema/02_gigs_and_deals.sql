-- gigs_and_deals: what is offered and agreed: gigs, applications, deals, negotiations, reviews.
--
-- user_reviews is the one table the schema document only reads from and never defines; its definition is ours.
--
-- +++
-- inputs = "users"
-- tables = [
--     "gigs", "gig_applications", "deals", "saved_gigs", "gig_comparisons", "brand_reputations", "negotiations",
--     "negotiation_offers", "user_reviews",
-- ]
-- +++

-- Job postings created by sponsors.
create table if not exists gigs (
    id uuid primary key default uuid_generate_v4(),
    sponsor_id uuid not null references users (id) on delete cascade,
    title varchar(255) not null,
    description text not null,
    price decimal(10, 2),
    budget_min decimal(10, 2) not null,
    budget_max decimal(10, 2) not null,
    categories text[] not null,
    influencer_types text[] not null,
    athlete_sports text[],
    location varchar(255),
    requirements text[],
    deliverables text[],
    deadline timestamp with time zone,
    status varchar(20) default 'open' check (status in ('open', 'in_progress', 'completed', 'cancelled')),
    created_at timestamp with time zone default now(),
    updated_at timestamp with time zone default now(),
    constraint valid_budget check (budget_max >= budget_min)
);

create index if not exists idx_gigs_sponsor_id on gigs (sponsor_id);
create index if not exists idx_gigs_status on gigs (status);
create index if not exists idx_gigs_categories on gigs using gin (categories);
create index if not exists idx_gigs_influencer_types on gigs using gin (influencer_types);
create index if not exists idx_gigs_location on gigs (location);
create index if not exists idx_gigs_created_at on gigs (created_at desc);
create index if not exists idx_gigs_budget on gigs (budget_min, budget_max);

-- Applications submitted by influencers for gigs.
create table if not exists gig_applications (
    id uuid primary key default uuid_generate_v4(),
    gig_id uuid not null references gigs (id) on delete cascade,
    influencer_id uuid not null references users (id) on delete cascade,
    status varchar(20) default 'pending' check (status in ('pending', 'approved', 'rejected')),
    applied_at timestamp with time zone default now(),
    reviewed_at timestamp with time zone,
    message text,
    unique (gig_id, influencer_id)
);

create index if not exists idx_gig_applications_gig_id on gig_applications (gig_id);
create index if not exists idx_gig_applications_influencer_id on gig_applications (influencer_id);
create index if not exists idx_gig_applications_status on gig_applications (status);
create index if not exists idx_gig_applications_applied_at on gig_applications (applied_at desc);

-- Confirmed collaborations between sponsors and influencers.
create table if not exists deals (
    id uuid primary key default uuid_generate_v4(),
    gig_id uuid not null references gigs (id),
    influencer_id uuid not null references users (id),
    sponsor_id uuid not null references users (id),
    agent_id uuid references users (id),
    amount decimal(10, 2) not null,
    agent_commission decimal(10, 2) default 0,
    status varchar(20) default 'pending' check (status in ('pending', 'active', 'completed', 'cancelled')),
    created_at timestamp with time zone default now(),
    completed_at timestamp with time zone,
    payment_method varchar(20) check (payment_method in ('stripe', 'coinbase')),
    contract_hash text,
    updated_at timestamp with time zone default now()
);

create index if not exists idx_deals_gig_id on deals (gig_id);
create index if not exists idx_deals_influencer_id on deals (influencer_id);
create index if not exists idx_deals_sponsor_id on deals (sponsor_id);
create index if not exists idx_deals_agent_id on deals (agent_id);
create index if not exists idx_deals_status on deals (status);
create index if not exists idx_deals_created_at on deals (created_at desc);

-- Gigs saved by users (sponsors or influencers).
create table if not exists saved_gigs (
    id uuid primary key default uuid_generate_v4(),
    user_id uuid not null references users (id) on delete cascade,
    gig_id uuid not null references gigs (id) on delete cascade,
    saved_at timestamp with time zone default now(),
    notes text,
    unique (user_id, gig_id)
);

create index if not exists idx_saved_gigs_user_id on saved_gigs (user_id);
create index if not exists idx_saved_gigs_gig_id on saved_gigs (gig_id);

-- Collections of gigs for comparison.
create table if not exists gig_comparisons (
    id uuid primary key default uuid_generate_v4(),
    user_id uuid not null references users (id) on delete cascade,
    name varchar(255),
    gig_ids uuid[] not null,
    created_at timestamp with time zone default now(),
    updated_at timestamp with time zone default now()
);

create index if not exists idx_gig_comparisons_user_id on gig_comparisons (user_id);

-- Reputation scores for sponsors.
create table if not exists brand_reputations (
    sponsor_id uuid primary key references users (id) on delete cascade,
    overall_rating decimal(2, 1) default 0,
    payment_speed_rating decimal(2, 1) default 0,
    communication_rating decimal(2, 1) default 0,
    professionalism_rating decimal(2, 1) default 0,
    total_deals integer default 0,
    average_payment_time decimal(10, 2), -- Days
    review_count integer default 0,
    updated_at timestamp with time zone default now()
);

-- Price negotiations between sponsors and influencers.
create table if not exists negotiations (
    id uuid primary key default uuid_generate_v4(),
    gig_id uuid not null references gigs (id) on delete cascade,
    influencer_id uuid not null references users (id),
    sponsor_id uuid not null references users (id),
    status varchar(20) default 'open' check (status in ('open', 'accepted', 'rejected', 'expired')),
    created_at timestamp with time zone default now(),
    updated_at timestamp with time zone default now(),
    expires_at timestamp with time zone
);

create index if not exists idx_negotiations_gig_id on negotiations (gig_id);
create index if not exists idx_negotiations_influencer_id on negotiations (influencer_id);
create index if not exists idx_negotiations_sponsor_id on negotiations (sponsor_id);
create index if not exists idx_negotiations_status on negotiations (status);

-- Individual offers within a negotiation.
create table if not exists negotiation_offers (
    id uuid primary key default uuid_generate_v4(),
    negotiation_id uuid not null references negotiations (id) on delete cascade,
    from_user_id uuid not null references users (id),
    amount decimal(10, 2) not null,
    deliverables text[],
    timeline varchar(255),
    message text,
    status varchar(20) default 'pending' check (status in ('pending', 'accepted', 'rejected', 'countered')),
    created_at timestamp with time zone default now(),
    responded_at timestamp with time zone
);

create index if not exists idx_negotiation_offers_negotiation_id on negotiation_offers (negotiation_id);
create index if not exists idx_negotiation_offers_from_user_id on negotiation_offers (from_user_id);

-- What one party of a deal writes about another.
create table if not exists user_reviews (
    id uuid primary key default uuid_generate_v4(),
    deal_id uuid references deals (id) on delete cascade, -- Null for a review not tied to a deal
    reviewer_id uuid not null references users (id) on delete cascade,
    reviewed_user_id uuid not null references users (id) on delete cascade,
    rating decimal(2, 1) not null check (rating >= 1 and rating <= 5),
    payment_speed_rating decimal(2, 1) check (payment_speed_rating >= 1 and payment_speed_rating <= 5),
    communication_rating decimal(2, 1) check (communication_rating >= 1 and communication_rating <= 5),
    professionalism_rating decimal(2, 1) check (professionalism_rating >= 1 and professionalism_rating <= 5),
    comment text,
    created_at timestamp with time zone default now(),
    updated_at timestamp with time zone default now(),
    constraint reviews_another_user check (reviewer_id <> reviewed_user_id),
    unique (deal_id, reviewer_id, reviewed_user_id)
);

create index if not exists idx_user_reviews_reviewed_user_id on user_reviews (reviewed_user_id);
create index if not exists idx_user_reviews_reviewer_id on user_reviews (reviewer_id);
create index if not exists idx_user_reviews_deal_id on user_reviews (deal_id);
