-- brand_reviews: the reviews about a sponsor.
--
-- Dialect   duckdb
-- Grain     one row per review
-- Explains  brand_reputations.review_count
-- How       number of rows
-- Inputs    raw.user_reviews
-- Params    $key  id of the sponsor · $as_of  timestamptz, exclusive
-- Units     ratings in stars
-- Order     created_at, review_id

with

final as (

    select
        id as review_id,
        created_at,
        reviewer_id,
        deal_id,
        rating,
        payment_speed_rating,
        communication_rating,
        professionalism_rating
    from raw.user_reviews
    where
        reviewed_user_id = cast($key as uuid)
        and created_at < $as_of

)

select * from final
order by created_at, review_id
