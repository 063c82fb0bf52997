-- duplicate_keys: a key that more than one row of an extracted table has.
--
-- +++
-- grain = "one row per table and key that stands more than once"
-- severity = "blocking"
-- inputs = [
--     "raw.agent_profiles", "raw.contacts", "raw.conversations", "raw.deals", "raw.escrow_jobs",
--     "raw.gig_applications", "raw.gig_comparisons", "raw.gigs", "raw.influencer_profiles", "raw.invite_templates",
--     "raw.invites", "raw.messages", "raw.negotiation_offers", "raw.negotiations", "raw.referrals",
--     "raw.sponsor_profiles", "raw.transactions", "raw.user_reviews", "raw.users",
-- ]
-- order = "table_name, key"
-- remedy = """
-- Let each key stand once: add a primary key that si schema diff misses, or mend the view shown in its place"""
-- +++

with

-- Table by table: keys of one table are kept no longer than it takes to count them.
final as (

    select 'agent_profiles' as table_name, user_id as key, count(*) as copies
    from raw.agent_profiles
    group by user_id
    having count(*) > 1

    union all
    select 'contacts' as table_name, id as key, count(*) as copies
    from raw.contacts
    group by id
    having count(*) > 1

    union all
    select 'conversations' as table_name, id as key, count(*) as copies
    from raw.conversations
    group by id
    having count(*) > 1

    union all
    select 'deals' as table_name, id as key, count(*) as copies
    from raw.deals
    group by id
    having count(*) > 1

    union all
    select 'escrow_jobs' as table_name, id as key, count(*) as copies
    from raw.escrow_jobs
    group by id
    having count(*) > 1

    union all
    select 'gig_applications' as table_name, id as key, count(*) as copies
    from raw.gig_applications
    group by id
    having count(*) > 1

    union all
    select 'gig_comparisons' as table_name, id as key, count(*) as copies
    from raw.gig_comparisons
    group by id
    having count(*) > 1

    union all
    select 'gigs' as table_name, id as key, count(*) as copies
    from raw.gigs
    group by id
    having count(*) > 1

    union all
    select 'influencer_profiles' as table_name, user_id as key, count(*) as copies
    from raw.influencer_profiles
    group by user_id
    having count(*) > 1

    union all
    select 'invite_templates' as table_name, id as key, count(*) as copies
    from raw.invite_templates
    group by id
    having count(*) > 1

    union all
    select 'invites' as table_name, id as key, count(*) as copies
    from raw.invites
    group by id
    having count(*) > 1

    union all
    select 'messages' as table_name, id as key, count(*) as copies
    from raw.messages
    group by id
    having count(*) > 1

    union all
    select 'negotiation_offers' as table_name, id as key, count(*) as copies
    from raw.negotiation_offers
    group by id
    having count(*) > 1

    union all
    select 'negotiations' as table_name, id as key, count(*) as copies
    from raw.negotiations
    group by id
    having count(*) > 1

    union all
    select 'referrals' as table_name, id as key, count(*) as copies
    from raw.referrals
    group by id
    having count(*) > 1

    union all
    select 'sponsor_profiles' as table_name, user_id as key, count(*) as copies
    from raw.sponsor_profiles
    group by user_id
    having count(*) > 1

    union all
    select 'transactions' as table_name, id as key, count(*) as copies
    from raw.transactions
    group by id
    having count(*) > 1

    union all
    select 'user_reviews' as table_name, id as key, count(*) as copies
    from raw.user_reviews
    group by id
    having count(*) > 1

    union all
    select 'users' as table_name, id as key, count(*) as copies
    from raw.users
    group by id
    having count(*) > 1

)

select * from final
order by table_name, key
