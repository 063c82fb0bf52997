-- triggers: every update of a row moves its updated_at, in each of the tables that have one.
--
-- +++
-- inputs = [
--     "users", "influencer_profiles", "sponsor_profiles", "agent_profiles", "agent_performance_metrics",
--     "admin_profiles", "gigs", "deals", "gig_comparisons", "brand_reputations", "negotiations", "user_reviews",
--     "conversations", "escrow_jobs", "contact_engagement", "invite_templates", "auto_payouts", "reward_triggers",
--     "reward_definitions",
-- ]
-- +++

create or replace trigger update_users_updated_at
before update on users for each row execute function update_updated_at_column();

create or replace trigger update_influencer_profiles_updated_at
before update on influencer_profiles for each row execute function update_updated_at_column();

create or replace trigger update_sponsor_profiles_updated_at
before update on sponsor_profiles for each row execute function update_updated_at_column();

create or replace trigger update_agent_profiles_updated_at
before update on agent_profiles for each row execute function update_updated_at_column();

create or replace trigger update_agent_performance_metrics_updated_at
before update on agent_performance_metrics for each row execute function update_updated_at_column();

create or replace trigger update_admin_profiles_updated_at
before update on admin_profiles for each row execute function update_updated_at_column();

create or replace trigger update_gigs_updated_at
before update on gigs for each row execute function update_updated_at_column();

create or replace trigger update_deals_updated_at
before update on deals for each row execute function update_updated_at_column();

create or replace trigger update_gig_comparisons_updated_at
before update on gig_comparisons for each row execute function update_updated_at_column();

create or replace trigger update_brand_reputations_updated_at
before update on brand_reputations for each row execute function update_updated_at_column();

create or replace trigger update_negotiations_updated_at
before update on negotiations for each row execute function update_updated_at_column();

create or replace trigger update_user_reviews_updated_at
before update on user_reviews for each row execute function update_updated_at_column();

create or replace trigger update_conversations_updated_at
before update on conversations for each row execute function update_updated_at_column();

create or replace trigger update_escrow_jobs_updated_at
before update on escrow_jobs for each row execute function update_updated_at_column();

create or replace trigger update_contact_engagement_updated_at
before update on contact_engagement for each row execute function update_updated_at_column();

create or replace trigger update_invite_templates_updated_at
before update on invite_templates for each row execute function update_updated_at_column();

create or replace trigger update_auto_payouts_updated_at
before update on auto_payouts for each row execute function update_updated_at_column();

create or replace trigger update_reward_triggers_updated_at
before update on reward_triggers for each row execute function update_updated_at_column();

create or replace trigger update_reward_definitions_updated_at
before update on reward_definitions for each row execute function update_updated_at_column();
