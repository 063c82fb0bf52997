-- sources: what a role may read that is to see the extracted columns and nothing else of their tables.
--
-- A right on columns does not do: it hides the version of a row, by which changes are found. These views show both.
-- Their columns are those of the files in sql/extract; row_version is the transaction that wrote the row last,
-- row_place where it lies.
--
-- +++
-- inputs = [
--     "agent_profiles", "contacts", "conversations", "deals", "escrow_jobs", "gig_applications", "gig_comparisons",
--     "gigs", "influencer_profiles", "invite_templates", "invites", "messages", "negotiation_offers",
--     "negotiations", "referrals", "sponsor_profiles", "transactions", "user_reviews", "users",
-- ]
-- views = [
--     "analytics.source_agent_profiles", "analytics.source_contacts", "analytics.source_conversations",
--     "analytics.source_deals", "analytics.source_escrow_jobs", "analytics.source_gig_applications",
--     "analytics.source_gig_comparisons", "analytics.source_gigs", "analytics.source_influencer_profiles",
--     "analytics.source_invite_templates", "analytics.source_invites", "analytics.source_messages",
--     "analytics.source_negotiation_offers", "analytics.source_negotiations", "analytics.source_referrals",
--     "analytics.source_sponsor_profiles", "analytics.source_transactions", "analytics.source_user_reviews",
--     "analytics.source_users",
-- ]
-- +++

create or replace view analytics.source_agent_profiles as
select
    user_id,
    tier,
    specialties,
    xmin as row_version,
    ctid as row_place
from agent_profiles;

create or replace view analytics.source_contacts as
select
    id,
    agent_id,
    source,
    segment,
    xmin as row_version,
    ctid as row_place
from contacts;

create or replace view analytics.source_conversations as
select
    id,
    participants,
    xmin as row_version,
    ctid as row_place
from conversations;

create or replace view analytics.source_deals as
select
    id,
    gig_id,
    influencer_id,
    sponsor_id,
    agent_id,
    amount,
    status,
    created_at,
    completed_at,
    xmin as row_version,
    ctid as row_place
from deals;

create or replace view analytics.source_escrow_jobs as
select
    id,
    gig_id,
    application_id,
    sponsor_id,
    influencer_id,
    amount,
    currency,
    status,
    created_at,
    locked_at,
    work_submitted_at,
    approved_at,
    released_at,
    xmin as row_version,
    ctid as row_place
from escrow_jobs;

create or replace view analytics.source_gig_applications as
select
    id,
    gig_id,
    influencer_id,
    status,
    applied_at,
    reviewed_at,
    xmin as row_version,
    ctid as row_place
from gig_applications;

create or replace view analytics.source_gig_comparisons as
select
    id,
    gig_ids,
    xmin as row_version,
    ctid as row_place
from gig_comparisons;

create or replace view analytics.source_gigs as
select
    id,
    sponsor_id,
    categories,
    location,
    status,
    created_at,
    xmin as row_version,
    ctid as row_place
from gigs;

create or replace view analytics.source_influencer_profiles as
select
    user_id,
    influencer_type,
    location,
    xmin as row_version,
    ctid as row_place
from influencer_profiles;

create or replace view analytics.source_invite_templates as
select
    id,
    agent_id,
    name,
    ab_test_variant,
    xmin as row_version,
    ctid as row_place
from invite_templates;

create or replace view analytics.source_invites as
select
    id,
    agent_id,
    contact_id,
    method,
    status,
    template_id,
    sent_at,
    opened_at,
    clicked_at,
    accepted_at,
    is_verified,
    verified_at,
    converted_user_id,
    xmin as row_version,
    ctid as row_place
from invites;

create or replace view analytics.source_messages as
select
    id,
    conversation_id,
    sender_id,
    created_at,
    xmin as row_version,
    ctid as row_place
from messages;

create or replace view analytics.source_negotiation_offers as
select
    id,
    negotiation_id,
    from_user_id,
    status,
    created_at,
    responded_at,
    xmin as row_version,
    ctid as row_place
from negotiation_offers;

create or replace view analytics.source_negotiations as
select
    id,
    gig_id,
    influencer_id,
    sponsor_id,
    status,
    created_at,
    xmin as row_version,
    ctid as row_place
from negotiations;

create or replace view analytics.source_referrals as
select
    id,
    agent_id,
    recruited_user_id,
    recruited_user_type,
    recruited_at,
    is_active,
    xmin as row_version,
    ctid as row_place
from referrals;

create or replace view analytics.source_sponsor_profiles as
select
    user_id,
    company,
    industry,
    location,
    xmin as row_version,
    ctid as row_place
from sponsor_profiles;

create or replace view analytics.source_transactions as
select
    id,
    type,
    job_id,
    gig_id,
    from_user_id,
    to_user_id,
    amount,
    currency,
    status,
    created_at,
    xmin as row_version,
    ctid as row_place,
    payment_id -- last: a view that stands can be given more columns at its end alone
from transactions;

create or replace view analytics.source_user_reviews as
select
    id,
    deal_id,
    reviewer_id,
    reviewed_user_id,
    rating,
    payment_speed_rating,
    communication_rating,
    professionalism_rating,
    created_at,
    xmin as row_version,
    ctid as row_place
from user_reviews;

create or replace view analytics.source_users as
select
    id,
    name,
    avatar,
    role,
    is_active,
    created_at,
    xmin as row_version,
    ctid as row_place
from users;
