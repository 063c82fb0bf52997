-- null_event_times: a row without the time it happened at, which no figure counts.
--
-- A referral without recruited_at is the exception: it counts as recruited always, and lies in no window. An invite
-- without sent_at was not sent, which is normal; it is listed where it says it was: by its status sent or accepted,
-- or by having been opened, clicked or accepted before as_of. A user without created_at is in no signup cohort.
--
-- +++
-- grain = "one row per row without its event time"
-- severity = "warning"
-- inputs = [
--     "raw.deals", "raw.escrow_jobs", "raw.gig_applications", "raw.gigs", "raw.invites", "raw.messages",
--     "raw.negotiation_offers", "raw.negotiations", "raw.referrals", "raw.transactions", "raw.user_reviews",
--     "raw.users",
-- ]
-- order = "table_name, key"
-- remedy = "Set these times in Postgres"
-- +++

with

sent_without_time as (

    select id
    from raw.invites
    where
        sent_at is null
        and (
            status = 'sent'
            or opened_at < $as_of
            or clicked_at < $as_of
            or coalesce(accepted_at < $as_of, status = 'accepted')
        )

),

final as (

    select 'deals' as table_name, 'created_at' as column_name, id as key
    from raw.deals
    where created_at is null

    union all

    select 'escrow_jobs' as table_name, 'created_at' as column_name, id as key
    from raw.escrow_jobs
    where created_at is null

    union all

    select 'gig_applications' as table_name, 'applied_at' as column_name, id as key
    from raw.gig_applications
    where applied_at is null

    union all

    select 'gigs' as table_name, 'created_at' as column_name, id as key
    from raw.gigs
    where created_at is null

    union all

    select 'invites' as table_name, 'sent_at' as column_name, id as key
    from sent_without_time

    union all

    select 'messages' as table_name, 'created_at' as column_name, id as key
    from raw.messages
    where created_at is null

    union all

    select 'negotiation_offers' as table_name, 'created_at' as column_name, id as key
    from raw.negotiation_offers
    where created_at is null

    union all

    select 'negotiations' as table_name, 'created_at' as column_name, id as key
    from raw.negotiations
    where created_at is null

    union all

    select 'referrals' as table_name, 'recruited_at' as column_name, id as key
    from raw.referrals
    where recruited_at is null

    union all

    select 'transactions' as table_name, 'created_at' as column_name, id as key
    from raw.transactions
    where created_at is null

    union all

    select 'user_reviews' as table_name, 'created_at' as column_name, id as key
    from raw.user_reviews
    where created_at is null

    union all

    select 'users' as table_name, 'created_at' as column_name, id as key
    from raw.users
    where created_at is null

)

select * from final
order by table_name, key
