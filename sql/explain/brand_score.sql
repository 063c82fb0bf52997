-- brand_score: what a sponsor's reputation score weighs: the mean of all sponsors' reviews, and its own reviews.
--
-- Each row is a mean of its own, total over count; the prior, all reviews about sponsors, weighs five times what
-- a review does. total and count are exact, value is total / count, rounded. A sponsor without a review is unrated.
--
-- +++
-- grain = "one row per review about the sponsor, after one for the prior; none without a review"
-- explains = "brand_reputations.reputation_score"
-- how = "sum of weight x total / count over sum of weight"
-- decimals = 3
-- empty = "null"
-- inputs = ["raw.user_reviews", "raw.users"]
-- units = "total and value in stars"
-- order = "weight desc, created_at asc, review_id asc"
--
-- [params]
-- key = "id of the sponsor"
-- +++

with

reviews as (

    select user_reviews.*
    from raw.user_reviews as user_reviews
    inner join raw.users as users
        on user_reviews.reviewed_user_id = users.id
    where
        users.role = 'sponsor'
        and user_reviews.created_at < $as_of

),

weighed as (

    select
        'prior' as source,
        cast(null as uuid) as review_id,
        cast(null as timestamptz) as created_at,
        cast(null as uuid) as reviewer_id,
        5 as weight,
        sum(rating) as total,
        count(*) as count
    from reviews
    having count(case when reviewed_user_id = cast($key as uuid) then 1 end) > 0

    union all

    select
        'review' as source,
        id as review_id,
        created_at,
        reviewer_id,
        1 as weight,
        rating as total,
        1 as count
    from reviews
    where reviewed_user_id = cast($key as uuid)

),

final as (

    select
        *,
        cast(
            (2 * cast(total * 1000000 as hugeint) + count) // (2 * count) as decimal(38, 0)
        ) * 0.000001 as value
    from weighed

)

select * from final
order by weight desc, created_at asc, review_id asc
