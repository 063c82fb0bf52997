-- infinite_times: a time is infinite, so nothing can be measured from it or to it.
--
-- Looked for whatever as_of is: an infinite event time lies after every as_of and would never show. Postgres counts to
-- the year 294276, DuckDB to the first days of 294247: what is later arrives before the first time Postgres has.
--
-- +++
-- grain = "one row per row and column of time that is read"
-- severity = "blocking"
-- inputs = [
--     "raw.deals", "raw.escrow_jobs", "raw.gig_applications", "raw.gigs", "raw.invites", "raw.messages",
--     "raw.negotiation_offers", "raw.negotiations", "raw.referrals", "raw.transactions", "raw.user_reviews",
--     "raw.users",
-- ]
-- order = "table_name, column_name, key"
-- remedy = "Give these rows a real time, or none, in Postgres"
-- +++

with

times as (

    select 'deals' as table_name, column_name, id as key, happened_at
    from raw.deals
    unpivot (happened_at for column_name in (created_at, completed_at))

    union all

    select 'escrow_jobs' as table_name, column_name, id as key, happened_at
    from raw.escrow_jobs
    unpivot (happened_at for column_name in (created_at, locked_at, work_submitted_at, approved_at, released_at))

    union all

    select 'gig_applications' as table_name, column_name, id as key, happened_at
    from raw.gig_applications
    unpivot (happened_at for column_name in (applied_at, reviewed_at))

    union all

    select 'gigs' as table_name, 'created_at' as column_name, id as key, created_at as happened_at
    from raw.gigs

    union all

    select 'invites' as table_name, column_name, id as key, happened_at
    from raw.invites
    unpivot (happened_at for column_name in (sent_at, opened_at, clicked_at, accepted_at, verified_at))

    union all

    select 'messages' as table_name, 'created_at' as column_name, id as key, created_at as happened_at
    from raw.messages

    union all

    select 'negotiation_offers' as table_name, column_name, id as key, happened_at
    from raw.negotiation_offers
    unpivot (happened_at for column_name in (created_at, responded_at))

    union all

    select 'negotiations' as table_name, 'created_at' as column_name, id as key, created_at as happened_at
    from raw.negotiations

    union all

    select 'referrals' as table_name, 'recruited_at' as column_name, id as key, recruited_at as happened_at
    from raw.referrals

    union all

    select 'transactions' as table_name, 'created_at' as column_name, id as key, created_at as happened_at
    from raw.transactions

    union all

    select 'user_reviews' as table_name, 'created_at' as column_name, id as key, created_at as happened_at
    from raw.user_reviews

    union all

    select 'users' as table_name, 'created_at' as column_name, id as key, created_at as happened_at
    from raw.users

),

final as (

    select
        table_name,
        column_name,
        key,
        cast(happened_at as varchar) as value
    from times
    where
        happened_at = cast('infinity' as timestamptz)
        or happened_at < cast('4714-01-01 (BC) 00:00:00+00' as timestamptz)

)

select * from final
order by table_name, column_name, key
