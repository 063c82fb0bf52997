-- dangling_ids: an id names a row that is not there; figures ignore it.
--
-- Looked at are the ids that no foreign key guards, of rows that exist at as_of, and the users of profiles, whose key
-- was bypassed: a profile without its user makes no agent. What is named need only be there. A null is no id.
--
-- +++
-- grain = "one row per column of a row and id that it names in vain, once however often a list holds it"
-- severity = "warning"
-- inputs = [
--     "raw.agent_profiles", "raw.conversations", "raw.escrow_jobs", "raw.gig_comparisons", "raw.gigs",
--     "raw.influencer_profiles", "raw.invite_templates", "raw.invites", "raw.sponsor_profiles", "raw.transactions",
--     "raw.users",
-- ]
-- order = "table_name, key, missing_id"
-- remedy = "Restore what was deleted, or clear the reference"
-- +++

with

participants as (

    select
        id,
        unnest(participants) as user_id
    from raw.conversations

),

compared_gigs as (

    select
        id,
        unnest(gig_ids) as gig_id
    from raw.gig_comparisons

),

final as (

    select
        'agent_profiles' as table_name,
        'user_id' as column_name,
        profiles.user_id as key,
        profiles.user_id as missing_id
    from raw.agent_profiles as profiles
    left join raw.users as users
        on profiles.user_id = users.id
    where users.id is null

    union

    select
        'influencer_profiles' as table_name,
        'user_id' as column_name,
        profiles.user_id as key,
        profiles.user_id as missing_id
    from raw.influencer_profiles as profiles
    left join raw.users as users
        on profiles.user_id = users.id
    where users.id is null

    union

    select
        'sponsor_profiles' as table_name,
        'user_id' as column_name,
        profiles.user_id as key,
        profiles.user_id as missing_id
    from raw.sponsor_profiles as profiles
    left join raw.users as users
        on profiles.user_id = users.id
    where users.id is null

    union

    select
        'conversations' as table_name,
        'participants' as column_name,
        participants.id as key,
        participants.user_id as missing_id
    from participants
    left join raw.users as users
        on participants.user_id = users.id
    where
        participants.user_id is not null
        and users.id is null

    union

    select
        'gig_comparisons' as table_name,
        'gig_ids' as column_name,
        compared_gigs.id as key,
        compared_gigs.gig_id as missing_id
    from compared_gigs
    left join raw.gigs as gigs
        on compared_gigs.gig_id = gigs.id
    where
        compared_gigs.gig_id is not null
        and gigs.id is null

    union

    select
        'invites' as table_name,
        'template_id' as column_name,
        invites.id as key,
        invites.template_id as missing_id
    from raw.invites as invites
    left join raw.invite_templates as templates
        on invites.template_id = templates.id
    where
        invites.template_id is not null
        and (invites.sent_at < $as_of or invites.sent_at is null)
        and templates.id is null

    union

    select
        'transactions' as table_name,
        'job_id' as column_name,
        transactions.id as key,
        transactions.job_id as missing_id
    from raw.transactions as transactions
    left join raw.escrow_jobs as jobs
        on transactions.job_id = jobs.id
    where
        transactions.job_id is not null
        and transactions.created_at < $as_of
        and jobs.id is null

)

select * from final
order by table_name, key, missing_id
