-- roles: who may do what, for installations that give each task no more rights than it needs.
--
-- si_reader reads the extracted columns, the record of refreshes and nothing else. A role of this kind does not log in:
-- grant it to one that does. Running this twice changes nothing.
--
-- Dialect  postgres
-- Roles    si_reader

do $$
begin
    if to_regrole('si_reader') is null then
        create role si_reader nologin;
    end if;
end
$$;

grant usage on schema analytics to si_reader;
grant select on analytics.refreshes to si_reader;
grant select on
analytics.source_agent_profiles,
analytics.source_contacts,
analytics.source_conversations,
analytics.source_deals,
analytics.source_escrow_jobs,
analytics.source_gig_applications,
analytics.source_gig_comparisons,
analytics.source_gigs,
analytics.source_influencer_profiles,
analytics.source_invite_templates,
analytics.source_invites,
analytics.source_messages,
analytics.source_negotiation_offers,
analytics.source_negotiations,
analytics.source_referrals,
analytics.source_sponsor_profiles,
analytics.source_transactions,
analytics.source_user_reviews,
analytics.source_users
to si_reader;
