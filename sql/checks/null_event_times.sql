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
--     "raw.agent_bonuses", "raw.deals", "raw.escrow_jobs", "raw.feed_activities", "raw.gig_applications",
--     "raw.gigs", "raw.invites", "raw.matches", "raw.messages", "raw.negotiation_offers", "raw.negotiations",
--     "raw.notifications", "raw.referrals", "raw.saved_gigs", "raw.social_accounts",
--     "raw.token_withdrawal_requests", "raw.transactions", "raw.user_reviews", "raw.user_rewards", "raw.users",
--     "raw.withdrawals",
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

    select 'agent_bonuses' as table_name, 'earned_at' as column_name, id as key
    from raw.agent_bonuses
    where earned_at is null

    union all

    select 'deals' as table_name, 'created_at' as column_name, id as key
    from raw.deals
    where created_at is null

    union all

    select 'escrow_jobs' as table_name, 'created_at' as column_name, id as key
    from raw.escrow_jobs
    where created_at is null

    union all

    select 'feed_activities' as table_name, 'created_at' as column_name, id as key
    from raw.feed_activities
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

    select 'matches' as table_name, 'matched_at' as column_name, id as key
    from raw.matches
    where matched_at is null

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

    select 'notifications' as table_name, 'created_at' as column_name, id as key
    from raw.notifications
    where created_at is null

    union all

    select 'referrals' as table_name, 'recruited_at' as column_name, id as key
    from raw.referrals
    where recruited_at is null

    union all

    select 'saved_gigs' as table_name, 'saved_at' as column_name, id as key
    from raw.saved_gigs
    where saved_at is null

    union all

    select 'social_accounts' as table_name, 'created_at' as column_name, id as key
    from raw.social_accounts
    where created_at is null

    union all

    select 'token_withdrawal_requests' as table_name, 'requested_at' as column_name, id as key
    from raw.token_withdrawal_requests
    where requested_at is null

    union all

    select 'transactions' as table_name, 'created_at' as column_name, id as key
    from raw.transactions
    where created_at is null

    union all

    select 'user_reviews' as table_name, 'created_at' as column_name, id as key
    from raw.user_reviews
    where created_at is null

    union all

    select 'user_rewards' as table_name, 'earned_at' as column_name, id as key
    from raw.user_rewards
    where earned_at is null

    union all

    select 'users' as table_name, 'created_at' as column_name, id as key
    from raw.users
    where created_at is null

    union all

    select 'withdrawals' as table_name, 'created_at' as column_name, id as key
    from raw.withdrawals
    where created_at is null

)

select * from final
order by table_name, key
