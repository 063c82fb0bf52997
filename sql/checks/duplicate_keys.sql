-- duplicate_keys: a key that more than one row of an extracted table has.
--
-- Dialect   duckdb
-- Grain     one row per table and key that stands more than once
-- Severity  blocking
-- Inputs    raw.agent_profiles, raw.contacts, raw.conversations, raw.deals, raw.escrow_jobs,
--           raw.gig_applications, raw.gig_comparisons, raw.gigs, raw.influencer_profiles,
--           raw.invite_templates, raw.invites, raw.messages, raw.negotiation_offers, raw.negotiations,
--           raw.referrals, raw.sponsor_profiles, raw.transactions, raw.user_reviews, raw.users
-- Order     table_name, key
-- Remedy    A primary key is missing in Postgres: si schema diff shows which

with

keys as (

    select 'agent_profiles' as table_name, user_id as key from raw.agent_profiles
    union all
    select 'contacts' as table_name, id as key from raw.contacts
    union all
    select 'conversations' as table_name, id as key from raw.conversations
    union all
    select 'deals' as table_name, id as key from raw.deals
    union all
    select 'escrow_jobs' as table_name, id as key from raw.escrow_jobs
    union all
    select 'gig_applications' as table_name, id as key from raw.gig_applications
    union all
    select 'gig_comparisons' as table_name, id as key from raw.gig_comparisons
    union all
    select 'gigs' as table_name, id as key from raw.gigs
    union all
    select 'influencer_profiles' as table_name, user_id as key from raw.influencer_profiles
    union all
    select 'invite_templates' as table_name, id as key from raw.invite_templates
    union all
    select 'invites' as table_name, id as key from raw.invites
    union all
    select 'messages' as table_name, id as key from raw.messages
    union all
    select 'negotiation_offers' as table_name, id as key from raw.negotiation_offers
    union all
    select 'negotiations' as table_name, id as key from raw.negotiations
    union all
    select 'referrals' as table_name, id as key from raw.referrals
    union all
    select 'sponsor_profiles' as table_name, user_id as key from raw.sponsor_profiles
    union all
    select 'transactions' as table_name, id as key from raw.transactions
    union all
    select 'user_reviews' as table_name, id as key from raw.user_reviews
    union all
    select 'users' as table_name, id as key from raw.users

),

final as (

    select table_name, key, count(*) as copies
    from keys
    group by table_name, key
    having count(*) > 1

)

select * from final
order by table_name, key
