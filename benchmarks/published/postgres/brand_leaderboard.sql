-- brand_leaderboard: the sponsors in fair order: a few perfect reviews do not outrank many good ones.
--
-- The score is the mean of a sponsor's reviews and of five more at m, the mean of all reviews about sponsors:
-- (5 m + sum) / (5 + count). With m = all_sum / all_count that is one fraction, divided once:
-- (5 all_sum + sum all_count) / (all_count (5 + count)). A sponsor without a review has neither score nor rank.
-- Where nobody gave a rating, `brand_reputations` holds 0, as the published table does; the board holds nothing.
--
-- Dialect  postgres
-- Grain    one row per sponsor
-- Inputs   pg_temp.brand_reputations, public.sponsor_profiles, public.user_reviews
-- Params   %(as_of)s  timestamptz, exclusive
-- Units    ratings and reputation_score 1 to 5; average_payment_time days

create temporary table brand_leaderboard on commit drop as

with

ratings_per_sponsor as (

    select
        user_reviews.reviewed_user_id as sponsor_id,
        sum(user_reviews.rating) as rating_sum,
        count(*) as rating_count
    from public.user_reviews as user_reviews
    inner join pg_temp.brand_reputations as brand_reputations
        on user_reviews.reviewed_user_id = brand_reputations.sponsor_id
    where user_reviews.created_at < %(as_of)s
    group by user_reviews.reviewed_user_id

),

all_ratings as (

    select
        sum(rating_sum) as rating_sum,
        sum(rating_count) as rating_count
    from ratings_per_sponsor

),

scored as (

    select
        brand_reputations.sponsor_id,
        sponsor_profiles.company,
        nullif(brand_reputations.overall_rating, 0) as overall_rating,
        nullif(brand_reputations.payment_speed_rating, 0) as payment_speed_rating,
        nullif(brand_reputations.communication_rating, 0) as communication_rating,
        nullif(brand_reputations.professionalism_rating, 0) as professionalism_rating,
        brand_reputations.review_count,
        brand_reputations.total_deals,
        brand_reputations.average_payment_time,
        round(
            (5 * all_ratings.rating_sum + ratings_per_sponsor.rating_sum * all_ratings.rating_count)
            / (all_ratings.rating_count * (5 + ratings_per_sponsor.rating_count)),
            3
        ) as reputation_score
    from pg_temp.brand_reputations as brand_reputations
    cross join all_ratings
    left join ratings_per_sponsor
        on brand_reputations.sponsor_id = ratings_per_sponsor.sponsor_id
    left join public.sponsor_profiles as sponsor_profiles
        on brand_reputations.sponsor_id = sponsor_profiles.user_id

),

final as (

    select
        *,
        case
            when reputation_score is not null
                then row_number() over (
                    order by reputation_score desc nulls last, review_count desc, total_deals desc, sponsor_id asc
                )
        end as rank
    from scored

)

select * from final
