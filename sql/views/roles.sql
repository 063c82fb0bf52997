-- roles: who may do what, for installations that give each task no more rights than it needs.
--
-- si_reader reads the extracted columns, the record of refreshes and nothing else. By column, a right on a table does
-- not cover ctid and xmin, the place of a row and its version, by which changes are found: they are granted by name.
-- The views of sources.sql show the same, for tables whose policies would hide rows from the role. si_publisher writes
-- the published columns and nothing else, and refreshes the three materialized views through a function. Roles of this
-- kind do not log in: grant them to one that does. Running this twice changes nothing.
--
-- +++
-- roles = ["si_reader", "si_publisher"]
-- +++

do $$
begin
    if to_regrole('si_reader') is null then
        create role si_reader nologin;
    end if;
    -- Everybody has this one unless it was taken away.
    if not has_schema_privilege('si_reader', 'public', 'usage') then
        grant usage on schema public to si_reader;
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

grant select (user_id, tier, specialties, ctid, xmin, tableoid)
on public.agent_profiles to si_reader;
grant select (id, agent_id, source, segment, ctid, xmin, tableoid)
on public.contacts to si_reader;
grant select (id, participants, ctid, xmin, tableoid)
on public.conversations to si_reader;
grant select (
    id,
    gig_id,
    influencer_id,
    sponsor_id,
    agent_id,
    amount,
    status,
    created_at,
    completed_at,
    ctid,
    xmin,
    tableoid
)
on public.deals to si_reader;
grant select (
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
    ctid,
    xmin,
    tableoid
)
on public.escrow_jobs to si_reader;
grant select (id, gig_id, influencer_id, status, applied_at, reviewed_at, ctid, xmin, tableoid)
on public.gig_applications to si_reader;
grant select (id, gig_ids, ctid, xmin, tableoid)
on public.gig_comparisons to si_reader;
grant select (id, sponsor_id, categories, location, status, created_at, ctid, xmin, tableoid)
on public.gigs to si_reader;
grant select (user_id, influencer_type, location, ctid, xmin, tableoid)
on public.influencer_profiles to si_reader;
grant select (id, agent_id, name, ab_test_variant, ctid, xmin, tableoid)
on public.invite_templates to si_reader;
grant select (
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
    ctid,
    xmin,
    tableoid
)
on public.invites to si_reader;
grant select (id, conversation_id, sender_id, created_at, ctid, xmin, tableoid)
on public.messages to si_reader;
grant select (
    id,
    negotiation_id,
    from_user_id,
    status,
    created_at,
    responded_at,
    ctid,
    xmin,
    tableoid
)
on public.negotiation_offers to si_reader;
grant select (id, gig_id, influencer_id, sponsor_id, status, created_at, ctid, xmin, tableoid)
on public.negotiations to si_reader;
grant select (
    id,
    agent_id,
    recruited_user_id,
    recruited_user_type,
    recruited_at,
    is_active,
    ctid,
    xmin,
    tableoid
)
on public.referrals to si_reader;
grant select (user_id, company, industry, location, ctid, xmin, tableoid)
on public.sponsor_profiles to si_reader;
grant select (
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
    payment_id,
    ctid,
    xmin,
    tableoid
)
on public.transactions to si_reader;
grant select (
    id,
    deal_id,
    reviewer_id,
    reviewed_user_id,
    rating,
    payment_speed_rating,
    communication_rating,
    professionalism_rating,
    created_at,
    ctid,
    xmin,
    tableoid
)
on public.user_reviews to si_reader;
grant select (id, name, avatar, role, is_active, created_at, ctid, xmin, tableoid)
on public.users to si_reader;

do $$
begin
    if to_regrole('si_publisher') is null then
        create role si_publisher nologin;
    end if;
    -- Everybody has these two unless they were taken away.
    if not has_database_privilege('si_publisher', current_database(), 'temporary') then
        execute format('grant temporary on database %I to si_publisher', current_database());
    end if;
    if not has_schema_privilege('si_publisher', 'public', 'usage') then
        grant usage on schema public to si_publisher;
    end if;
end
$$;

grant usage on schema analytics to si_publisher;
grant select, insert, update, delete on
analytics.agent_leaderboard,
analytics.brand_leaderboard,
analytics.conversion_funnels
to si_publisher;
grant select, insert, update on analytics.refreshes to si_publisher;

-- Whom the figures are of: whoever is gone meanwhile is skipped.
grant select (id) on public.contacts to si_publisher;
grant select (id, role, rating, review_count), update (rating, review_count)
on public.users to si_publisher;
grant select (user_id, total_earnings, recruit_satisfaction_score, recruit_satisfaction_count),
update (total_earnings, recruit_satisfaction_score, recruit_satisfaction_count)
on public.agent_profiles to si_publisher;
grant select (id, times_used, acceptance_rate), update (times_used, acceptance_rate)
on public.invite_templates to si_publisher;

grant select (
    user_id,
    total_deals,
    total_referrals,
    verified_referrals,
    total_earnings,
    average_conversion_time,
    response_time,
    satisfaction_score,
    performance_score,
    last_calculated_at
),
insert (
    user_id,
    total_deals,
    total_referrals,
    verified_referrals,
    total_earnings,
    average_conversion_time,
    response_time,
    satisfaction_score,
    performance_score,
    last_calculated_at
),
update (
    total_deals,
    total_referrals,
    verified_referrals,
    total_earnings,
    average_conversion_time,
    response_time,
    satisfaction_score,
    performance_score,
    last_calculated_at
),
delete
on public.agent_performance_metrics to si_publisher;

grant select (
    sponsor_id,
    overall_rating,
    payment_speed_rating,
    communication_rating,
    professionalism_rating,
    total_deals,
    average_payment_time,
    review_count
),
insert (
    sponsor_id,
    overall_rating,
    payment_speed_rating,
    communication_rating,
    professionalism_rating,
    total_deals,
    average_payment_time,
    review_count
),
update (
    overall_rating,
    payment_speed_rating,
    communication_rating,
    professionalism_rating,
    total_deals,
    average_payment_time,
    review_count
),
delete
on public.brand_reputations to si_publisher;

grant select (
    contact_id,
    total_invites_sent,
    last_invite_sent_at,
    opened_count,
    clicked_count,
    last_opened_at,
    last_clicked_at,
    response_rate
),
insert (
    contact_id,
    total_invites_sent,
    last_invite_sent_at,
    opened_count,
    clicked_count,
    last_opened_at,
    last_clicked_at,
    response_rate
),
update (
    total_invites_sent,
    last_invite_sent_at,
    opened_count,
    clicked_count,
    last_opened_at,
    last_clicked_at,
    response_rate
),
delete
on public.contact_engagement to si_publisher;

-- Only its owner may refresh a materialized view (PostgreSQL 17 has a right for it, 14 to 16 do not), so the owner
-- lends a hand for these three. It looks names up where nobody else can put any.
create or replace function analytics.refresh_view(view_name text) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
    if view_name is null or view_name not in ('agent_leaderboard', 'brand_leaderboard', 'conversion_funnels') then
        raise exception 'analytics.refresh_view does not refresh %', view_name using errcode = 'insufficient_privilege';
    end if;
    if (select relispopulated from pg_class where oid = to_regclass('public.' || view_name)) then
        execute format('refresh materialized view concurrently public.%I', view_name);
    else
        execute format('refresh materialized view public.%I', view_name);
    end if;
end
$$;

revoke execute on function analytics.refresh_view(text) from public;

do $$
begin
    -- The function acts for whoever owns the views, not for a superuser who happens to set up the roles.
    execute format(
        'alter function analytics.refresh_view(text) owner to %I',
        (select pg_get_userbyid(relowner) from pg_class where oid = 'public.agent_leaderboard'::regclass)
    );
end
$$;

grant execute on function analytics.refresh_view(text) to si_publisher;
