-- brand_reviews: the reviews about a sponsor.
--
-- +++
-- grain = "one row per review"
-- explains = "brand_reputations.review_count"
-- how = "number of rows"
-- inputs = "raw.user_reviews"
-- units = "ratings in stars"
-- order = "created_at, review_id"
--
-- [params]
-- key = "id of the sponsor"
-- +++

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
