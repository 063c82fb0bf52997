-- newest_event: when anything happened last in the marketplace, and for how long nothing had, at most, before.
--
-- Pauses are told in whole hours, between hours in which anything happened, over the ninety days up to the newest
-- event.
--
-- +++
-- grain = "one row per warehouse, nulls where nothing ever happened"
-- inputs = [
--     "raw.deals", "raw.escrow_jobs", "raw.gig_applications", "raw.gigs", "raw.invites", "raw.messages",
--     "raw.negotiation_offers", "raw.negotiations", "raw.referrals", "raw.transactions", "raw.user_reviews",
--     "raw.users",
-- ]
-- units = "longest_pause_hours in hours, null where all events are of one hour"
-- order = "happened_at"
-- +++

with

events as (

    select created_at as happened_at from raw.deals
    union all
    select created_at as happened_at from raw.escrow_jobs
    union all
    select applied_at as happened_at from raw.gig_applications
    union all
    select created_at as happened_at from raw.gigs
    union all
    select sent_at as happened_at from raw.invites
    union all
    select created_at as happened_at from raw.messages
    union all
    select created_at as happened_at from raw.negotiation_offers
    union all
    select created_at as happened_at from raw.negotiations
    union all
    select recruited_at as happened_at from raw.referrals
    union all
    select created_at as happened_at from raw.transactions
    union all
    select created_at as happened_at from raw.user_reviews
    union all
    select created_at as happened_at from raw.users

),

newest as (

    select max(happened_at) as happened_at
    from events
    where happened_at < $as_of

),

busy_hours as (

    select distinct epoch_us(events.happened_at) // 3600000000 as hour_number
    from events
    cross join newest
    where
        events.happened_at <= newest.happened_at
        and epoch_us(newest.happened_at) - epoch_us(events.happened_at) <= 90 * 86400000000

),

pauses as (

    select hour_number - lag(hour_number) over (order by hour_number) as pause_hours
    from busy_hours

),

final as (

    select
        newest.happened_at,
        (select max(pauses.pause_hours) from pauses) as longest_pause_hours
    from newest

)

select * from final
order by happened_at
