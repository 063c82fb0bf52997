-- indexes: the composite indexes for the questions asked most.
--
-- +++
-- inputs = ["deals", "gig_applications", "transactions", "escrow_jobs", "invites", "referrals"]
-- +++

create index if not exists idx_deals_influencer_status on deals (influencer_id, status);
create index if not exists idx_deals_sponsor_status on deals (sponsor_id, status);
create index if not exists idx_gig_applications_gig_status on gig_applications (gig_id, status);
create index if not exists idx_transactions_user_type on transactions (to_user_id, type);
create index if not exists idx_escrow_jobs_influencer_status on escrow_jobs (influencer_id, status);
create index if not exists idx_invites_agent_status on invites (agent_id, status);
create index if not exists idx_referrals_agent_active on referrals (agent_id, is_active);
