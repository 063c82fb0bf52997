-- user_statistics: how many deals each user is party to, what they earned in them, how they are rated.
--
-- +++
-- grain = "one row per user"
-- inputs = ["users", "deals", "user_reviews"]
-- units = "total_earnings in usd, of completed deals as the influencer; average_rating 1 to 5, 0 when never rated"
-- +++

create or replace view user_statistics as

with

-- A deal counts once for a user who is both its parties.
deal_parties as (

    select
        influencer_id as user_id,
        status,
        amount as earned
    from deals

    union all

    select
        sponsor_id as user_id,
        status,
        null as earned
    from deals
    where sponsor_id <> influencer_id

),

-- One row per user before any join: joined first, earnings would be counted once per review.
deals_per_user as (

    select
        user_id,
        count(*) as total_deals,
        count(*) filter (where status = 'completed') as completed_deals,
        sum(earned) filter (where status = 'completed') as total_earnings
    from deal_parties
    group by user_id

),

rating_per_user as (

    select
        reviewed_user_id as user_id,
        avg(rating) as average_rating
    from user_reviews
    group by reviewed_user_id

),

final as (

    select
        users.id,
        users.role,
        coalesce(deals_per_user.total_deals, 0) as total_deals,
        coalesce(deals_per_user.completed_deals, 0) as completed_deals,
        coalesce(deals_per_user.total_earnings, 0) as total_earnings,
        coalesce(rating_per_user.average_rating, 0) as average_rating
    from users
    left join deals_per_user
        on users.id = deals_per_user.user_id
    left join rating_per_user
        on users.id = rating_per_user.user_id

)

select * from final;
