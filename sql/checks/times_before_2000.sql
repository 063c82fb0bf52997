-- times_before_2000: a time before the year 2000 in the reporting time zone, earlier than any marketplace.
--
-- Months before 2000-01 are left out of the monthly figures; all other figures take such a row as it is.
--
-- +++
-- grain = "one row per column of time of a row that exists at as_of (an invite not sent yet does)"
-- severity = "warning"
-- inputs = [
--     "raw.deals", "raw.escrow_jobs", "raw.gig_applications", "raw.gigs", "raw.invites", "raw.messages",
--     "raw.negotiation_offers", "raw.negotiations", "raw.referrals", "raw.transactions", "raw.user_reviews",
--     "raw.users",
-- ]
-- order = "table_name, column_name, key"
-- remedy = "Correct these times in Postgres; 1970-01-01 often stands for a time that was not known"
--
-- [params]
-- as_of = "timestamptz, exclusive"
-- year_2000 = "timestamptz, when that year begins in the reporting time zone"
-- +++

with

rows_with_several_times as (

    select 'deals' as table_name, column_name, id as key, happened_at, event_at
    from (select *, created_at as event_at from raw.deals) as deals
    unpivot (happened_at for column_name in (created_at, completed_at))

    union all

    select 'escrow_jobs' as table_name, column_name, id as key, happened_at, event_at
    from (select *, created_at as event_at from raw.escrow_jobs) as escrow_jobs
    unpivot (happened_at for column_name in (created_at, locked_at, work_submitted_at, approved_at, released_at))

    union all

    select 'gig_applications' as table_name, column_name, id as key, happened_at, event_at
    from (select *, applied_at as event_at from raw.gig_applications) as gig_applications
    unpivot (happened_at for column_name in (applied_at, reviewed_at))

    union all

    select 'invites' as table_name, column_name, id as key, happened_at, event_at
    from (select *, sent_at as event_at from raw.invites) as invites
    unpivot (happened_at for column_name in (sent_at, opened_at, clicked_at, accepted_at, verified_at))

    union all

    select 'negotiation_offers' as table_name, column_name, id as key, happened_at, event_at
    from (select *, created_at as event_at from raw.negotiation_offers) as negotiation_offers
    unpivot (happened_at for column_name in (created_at, responded_at))

),

rows_with_one_time as (

    select 'gigs' as table_name, 'created_at' as column_name, id as key, created_at as happened_at
    from raw.gigs

    union all

    select 'messages' as table_name, 'created_at' as column_name, id as key, created_at as happened_at
    from raw.messages

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

times as (

    select table_name, column_name, key, happened_at
    from rows_with_several_times
    where
        event_at < $as_of
        or (event_at is null and table_name = 'invites')

    union all

    select *
    from rows_with_one_time
    where happened_at < $as_of

),

final as (

    select *
    from times
    where happened_at < cast($year_2000 as timestamptz)

)

select * from final
order by table_name, column_name, key
