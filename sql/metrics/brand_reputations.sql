-- brand_reputations: how sponsors are rated and how long they take to pay, all time, ranked fairly.
--
-- The score ranks fairly: a brand with one perfect review does not outrank one with a hundred good ones.
-- A brand without a review is unrated: it has no score and no rank, and comes after all that have.
--
-- +++
-- topic = "brands"
-- grain = "one row per user with the role sponsor; one with no reviews and no deals is kept"
-- key = "sponsor_id"
-- rows = "brand"
-- inputs = "raw.sponsor_profiles"
-- order = "rank asc nulls last, total_deals desc, sponsor_id asc"
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
-- [cells]
-- overall_rating = "rating"
-- payment_speed_rating = "payment_speed_rating"
-- communication_rating = "communication_rating"
-- professionalism_rating = "professionalism_rating"
-- review_count = "reviews"
-- total_deals = "deals"
-- average_payment_time = "payment_time"
-- rating_tenths = "rating.sum"
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

-- The mean of all as a fraction of tenths.
baseline as (

    select
        sum(rating_tenths) as tenths,
        sum(review_count) as ratings
    from measured

),

scored as (

    select
        measured.*,
        cast(
            case
                when measured.review_count > 0
                    then (
                        2 * 100 * (5 * baseline.tenths + baseline.ratings * measured.rating_tenths)
                        + baseline.ratings * (5 + measured.review_count)
                    ) // (2 * baseline.ratings * (5 + measured.review_count))
            end as decimal(38, 0)
        ) * 0.001 as reputation_score
    from measured
    cross join baseline

),

-- The unrated are numbered after all others, and then lose their number.
placed as (

    select
        *,
        row_number() over (
            order by reputation_score desc nulls last, review_count desc, total_deals desc, sponsor_id asc
        ) as place
    from scored

)

select
    placed.sponsor_id,
    sponsor_profiles.company,
    placed.overall_rating,
    placed.payment_speed_rating,
    placed.communication_rating,
    placed.professionalism_rating,
    placed.review_count,
    placed.total_deals,
    placed.average_payment_time,
    placed.reputation_score,
    case when placed.reputation_score is not null then placed.place end as rank
from placed
left join raw.sponsor_profiles as sponsor_profiles
    on placed.sponsor_id = sponsor_profiles.user_id
order by rank asc nulls last, placed.total_deals desc, placed.sponsor_id asc
