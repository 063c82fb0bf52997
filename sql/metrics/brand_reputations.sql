-- brand_reputations: how sponsors are rated and how long they take to pay, all time, ranked fairly.
--
-- The score ranks fairly: a brand with one perfect review does not outrank one with a hundred good ones.
-- A brand without a review is unrated: it has no score and no rank, and comes after all that have.
--
-- +++
-- topic = "brands"
-- grain = "one row per user with the role sponsor; one with no reviews and no deals is kept"
-- inputs = ["raw.users", "raw.sponsor_profiles", "raw.user_reviews", "raw.deals", "raw.escrow_jobs"]
-- key = "sponsor_id"
-- order = "rank asc nulls last, total_deals desc, sponsor_id asc"
--
-- [params]
-- as_of = "timestamptz, exclusive"
--
-- [columns]
-- sponsor_id = "user id of the sponsor"
-- company = "company of the sponsor's profile, null without one"
-- overall_rating = ["stars", "mean rating of the reviews about the sponsor, null without any"]
-- payment_speed_rating = ["stars", "mean of this sub-rating over the reviews that give one, null without any"]
-- communication_rating = ["stars", "mean of this sub-rating over the reviews that give one, null without any"]
-- professionalism_rating = ["stars", "mean of this sub-rating over the reviews that give one, null without any"]
-- review_count = ["reviews", "reviews about the sponsor"]
-- total_deals = ["deals", "deals with the sponsor, whatever their status"]
-- average_payment_time = [
--     "days",
--     """
--     mean time from work_submitted_at to released_at over the sponsor's escrow jobs with status released, both times
--     set, not negative, released before as_of; null without any""",
-- ]
-- reputation_score = [
--     "stars",
--     """
--     Bayesian mean (5 x m + sum of ratings) / (5 + review_count), m being the mean of all reviews about sponsors;
--     3 decimals, null without a review""",
-- ]
-- rank = [
--     "place",
--     """
--     1 to n over the brands with a review: by reputation_score as published, then review_count, then
--     total_deals, each descending, then sponsor_id; null for the others""",
-- ]
--
-- [targets.brand_leaderboard]
-- table = "analytics.brand_leaderboard"
-- key = "sponsor_id"
-- every = "brand"
-- indexes = { rank = "rank" }
--
-- [targets.brand_leaderboard.types]
-- sponsor_id = "uuid"
-- company = "varchar(255)"
-- overall_rating = "numeric"
-- payment_speed_rating = "numeric"
-- communication_rating = "numeric"
-- professionalism_rating = "numeric"
-- review_count = "bigint"
-- total_deals = "bigint"
-- average_payment_time = "numeric"
-- reputation_score = "numeric"
-- rank = "bigint"
--
-- [targets.brand_reputations]
-- table = "public.brand_reputations"
-- key = "sponsor_id"
-- every = "brand"
-- columns = [
--     "overall_rating", "payment_speed_rating", "communication_rating", "professionalism_rating", "total_deals",
--     "average_payment_time", "review_count",
-- ]
-- +++

with

sponsors as (

    select
        users.id as sponsor_id,
        sponsor_profiles.company
    from raw.users as users
    left join raw.sponsor_profiles as sponsor_profiles
        on users.id = sponsor_profiles.user_id
    where users.role = 'sponsor'

),

reviews as (

    select
        user_reviews.reviewed_user_id as sponsor_id,
        cast(user_reviews.rating * 10 as bigint) as overall,
        cast(user_reviews.payment_speed_rating * 10 as bigint) as payment_speed,
        cast(user_reviews.communication_rating * 10 as bigint) as communication,
        cast(user_reviews.professionalism_rating * 10 as bigint) as professionalism
    from raw.user_reviews as user_reviews
    inner join sponsors
        on user_reviews.reviewed_user_id = sponsors.sponsor_id
    where user_reviews.created_at < $as_of

),

-- Tenths of a star, each mean rounded half away from zero: (2 x sum + count) // (2 x count).
reviews_per_sponsor as (

    select
        sponsor_id,
        count(*) as review_count,
        sum(overall) as rating_tenths,
        (2 * sum(overall) + count(overall)) // (2 * nullif(count(overall), 0)) as overall_tenths,
        (2 * sum(payment_speed) + count(payment_speed))
        // (2 * nullif(count(payment_speed), 0)) as payment_speed_tenths,
        (2 * sum(communication) + count(communication))
        // (2 * nullif(count(communication), 0)) as communication_tenths,
        (2 * sum(professionalism) + count(professionalism))
        // (2 * nullif(count(professionalism), 0)) as professionalism_tenths
    from reviews
    group by sponsor_id

),

-- The mean of all as a fraction of tenths.
baseline as (

    select
        sum(overall) as tenths,
        count(*) as ratings
    from reviews

),

deals_per_sponsor as (

    select
        sponsor_id,
        count(*) as total_deals
    from raw.deals
    where created_at < $as_of
    group by sponsor_id

),

payments_per_sponsor as (

    select
        sponsor_id,
        (2 * 100 * sum(epoch_us(released_at) - epoch_us(work_submitted_at)) + count(*) * 86400000000)
        // (2 * count(*) * 86400000000) as payment_hundredths
    from raw.escrow_jobs
    where
        status = 'released'
        and created_at < $as_of
        and released_at < $as_of
        and work_submitted_at <= released_at
    group by sponsor_id

),

measured as (

    select
        sponsors.sponsor_id,
        sponsors.company,
        cast(reviews_per_sponsor.overall_tenths as decimal(38, 0)) * 0.1 as overall_rating,
        cast(reviews_per_sponsor.payment_speed_tenths as decimal(38, 0)) * 0.1 as payment_speed_rating,
        cast(reviews_per_sponsor.communication_tenths as decimal(38, 0)) * 0.1 as communication_rating,
        cast(reviews_per_sponsor.professionalism_tenths as decimal(38, 0)) * 0.1 as professionalism_rating,
        coalesce(reviews_per_sponsor.review_count, 0) as review_count,
        coalesce(deals_per_sponsor.total_deals, 0) as total_deals,
        cast(payments_per_sponsor.payment_hundredths as decimal(38, 0)) * 0.01 as average_payment_time,
        cast(
            (
                2 * 100 * (5 * baseline.tenths + baseline.ratings * reviews_per_sponsor.rating_tenths)
                + baseline.ratings * (5 + reviews_per_sponsor.review_count)
            ) // (2 * baseline.ratings * (5 + reviews_per_sponsor.review_count)) as decimal(38, 0)
        ) * 0.001 as reputation_score
    from sponsors
    cross join baseline
    left join reviews_per_sponsor
        on sponsors.sponsor_id = reviews_per_sponsor.sponsor_id
    left join deals_per_sponsor
        on sponsors.sponsor_id = deals_per_sponsor.sponsor_id
    left join payments_per_sponsor
        on sponsors.sponsor_id = payments_per_sponsor.sponsor_id

),

-- The unrated are numbered after all others, and then lose their number.
placed as (

    select
        *,
        row_number() over (
            order by reputation_score desc nulls last, review_count desc, total_deals desc, sponsor_id asc
        ) as place
    from measured

),

final as (

    select
        * exclude (place),
        case when reputation_score is not null then place end as rank
    from placed

)

select * from final
order by rank asc nulls last, total_deals desc, sponsor_id asc
