-- signup_cohorts: of those who signed up in a month, how many were party to a deal in each month after.
--
-- Members are influencers and sponsors. Month 0 is the month of signing up; a deal of that month counts
-- though it be older than the signup itself. The last month is that of the last moment before as_of.
--
-- +++
-- topic = "marketplace"
-- grain = "one row per signup month with members and months since, zeros included"
-- order = "cohort_month, months_since"
--
-- [columns]
-- cohort_month = ["date", "first day of the month the members signed up in"]
-- months_since = ["months", "from 0, the month of signing up"]
-- cohort_size = ["users", "influencers and sponsors who signed up in that month"]
-- active = ["users", "those of them who are party to a deal created in the month so many months later"]
-- retention = ["ratio", "active / cohort_size"]
--
-- [slices.joined]
-- measures = "signups"
-- by = "user.signup_month"
-- where = { "user.role" = ["influencer", "sponsor"] }
-- at = { "user.signup_month" = "cohort_month" }
--
-- [slices.active]
-- measures = "active_users"
-- by = ["user.signup_month", "month"]
-- where = { "user.role" = ["influencer", "sponsor"], "has_joined" = "true" }
--
-- [slices.active.at]
-- "user.signup_month" = "cohort_month"
-- month = "cast(cohort_month + to_months(cast(months_since as integer)) as date)"
--
-- [shows]
-- cohort_size = "joined.signups"
-- active = "active.active_users"
-- retention = "active.active_users / joined.signups"
-- +++

with

slots as (

    select
        joined.signup_month as cohort_month,
        joined.signups as cohort_size,
        later.months_since,
        cast(joined.signup_month + to_months(cast(later.months_since as integer)) as date) as month
    from joined
    cross join
        unnest(
            generate_series(0, datediff('month', joined.signup_month, cast($last_day as date)))
        ) as later (months_since)

)

select
    slots.cohort_month,
    slots.months_since,
    slots.cohort_size,
    coalesce(active.active_users, 0) as active,
    cast(
        (2 * 1000000 * coalesce(active.active_users, 0) + slots.cohort_size) // (2 * slots.cohort_size)
        as decimal(38, 0)
    ) * 0.000001 as retention
from slots
left join active
    on
        slots.cohort_month = active.signup_month
        and slots.month = active.month
order by slots.cohort_month, slots.months_since
