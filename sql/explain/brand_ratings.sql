-- brand_ratings: what the reviews about a sponsor say in one of the four ratings.
--
-- +++
-- grain = "one row per review that gives this rating"
-- explains = [
--     "brand_reputations.overall_rating", "brand_reputations.payment_speed_rating",
--     "brand_reputations.communication_rating", "brand_reputations.professionalism_rating",
-- ]
-- how = "mean of value"
-- decimals = 1
-- empty = "null"
-- inputs = "raw.user_reviews"
-- units = "value in stars"
-- order = "created_at, review_id"
--
-- [params]
-- key = "id of the sponsor"
-- column = "the column explained"
-- +++

with

rated as (

    select
        id as review_id,
        created_at,
        reviewer_id,
        deal_id,
        case $column
            when 'overall_rating' then rating
            when 'payment_speed_rating' then payment_speed_rating
            when 'communication_rating' then communication_rating
            when 'professionalism_rating' then professionalism_rating
        end as value
    from raw.user_reviews
    where
        reviewed_user_id = cast($key as uuid)
        and created_at < $as_of

),

final as (

    select * from rated
    where value is not null

)

select * from final
order by created_at, review_id
