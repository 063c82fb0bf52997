-- repeated_reviews: a user reviewed another several times without a deal behind it; each review counts.
--
-- +++
-- grain = "one row per reviewer and reviewed user"
-- severity = "warning"
-- inputs = "raw.user_reviews"
-- order = "reviewer_id, reviewed_user_id"
-- remedy = "Remove those that say the same again, or name the deals they are about"
-- +++

with

final as (

    select
        reviewer_id,
        reviewed_user_id,
        count(*) as reviews,
        min(created_at) as first_at,
        max(created_at) as last_at
    from raw.user_reviews
    where
        deal_id is null
        and created_at < $as_of
    group by reviewer_id, reviewed_user_id
    having count(*) > 1

)

select * from final
order by reviewer_id, reviewed_user_id
