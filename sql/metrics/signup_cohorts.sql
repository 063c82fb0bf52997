-- signup_cohorts: of those who signed up in a month, how many were party to a deal in each month after.
--
-- Members are influencers and sponsors. Month 0 is the month of signing up; a deal of that month counts
-- though it be older than the signup itself. The last month is that of the last moment before as_of.
--
-- +++
-- topic = "marketplace"
-- grain = "one row per signup month with members and months since, zeros included"
-- inputs = ["raw.users", "raw.deals", "local_offsets"]
-- order = "cohort_month, months_since"
--
-- [params]
-- as_of = "timestamptz, exclusive"
-- last_day = "date, that of the last moment before as_of"
-- tz = "IANA time zone of the months"
-- slice = "microseconds in a slice of local_offsets"
--
-- [columns]
-- cohort_month = ["date", "first day of the month the members signed up in"]
-- months_since = ["months", "from 0, the month of signing up"]
-- cohort_size = ["users", "influencers and sponsors who signed up in that month"]
-- active = ["users", "those of them who are party to a deal created in the month so many months later"]
-- retention = ["ratio", "active / cohort_size"]
-- +++

with

local_users as (

    select
        users.*,
        make_timestamp(epoch_us(users.created_at) + local_offsets.ahead) as created_local
    from raw.users as users
    inner join local_offsets
        on
            local_offsets.zone = $tz
            and greatest(epoch_us(users.created_at) // $slice, 0) = local_offsets.slice
            and users.created_at >= local_offsets.begins_at
            and users.created_at < local_offsets.ends_at

),

members as (

    select
        id as user_id,
        cast(date_trunc('month', created_local) as date) as cohort_month,
        extract(year from created_local) * 12 + extract(month from created_local) - 1 as signup_month
    from local_users
    where
        role in ('influencer', 'sponsor')
        and created_at < $as_of

),

cohorts as (

    select
        cohort_month,
        signup_month,
        count(*) as cohort_size
    from members
    group by cohort_month, signup_month

),

local_deals as (

    select
        deals.*,
        make_timestamp(epoch_us(deals.created_at) + local_offsets.ahead) as created_local
    from raw.deals as deals
    inner join local_offsets
        on
            local_offsets.zone = $tz
            and greatest(epoch_us(deals.created_at) // $slice, 0) = local_offsets.slice
            and deals.created_at >= local_offsets.begins_at
            and deals.created_at < local_offsets.ends_at

),

deal_months as (

    select
        influencer_id,
        sponsor_id,
        extract(year from created_local) * 12 + extract(month from created_local) - 1 as deal_month
    from local_deals
    where created_at < $as_of

),

active_months as (

    select
        influencer_id as user_id,
        deal_month
    from deal_months

    union

    select
        sponsor_id as user_id,
        deal_month
    from deal_months

),

active_per_month as (

    select
        members.signup_month,
        active_months.deal_month,
        count(*) as active
    from members
    inner join active_months
        on members.user_id = active_months.user_id
    group by members.signup_month, active_months.deal_month

),

slots as (

    select
        cohorts.cohort_month,
        cohorts.signup_month,
        cohorts.cohort_size,
        later.months_since
    from cohorts
    cross join
        unnest(
            generate_series(
                0,
                extract(year from cast($last_day as date)) * 12 + extract(month from cast($last_day as date)) - 1
                - cohorts.signup_month
            )
        ) as later (months_since)

),

final as (

    select
        slots.cohort_month,
        slots.months_since,
        slots.cohort_size,
        coalesce(active_per_month.active, 0) as active,
        cast(
            (2 * 1000000 * coalesce(active_per_month.active, 0) + slots.cohort_size)
            // (2 * slots.cohort_size) as decimal(38, 0)
        ) * 0.000001 as retention
    from slots
    left join active_per_month
        on
            slots.signup_month = active_per_month.signup_month
            and slots.signup_month + slots.months_since = active_per_month.deal_month

)

select * from final
order by cohort_month, months_since
