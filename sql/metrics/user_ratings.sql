-- user_ratings: the mean rating of each user and the number of reviews behind it.
--
-- +++
-- topic = "people"
-- grain = "one row per user; one never reviewed is kept, without a rating"
-- inputs = ["raw.users", "raw.user_reviews"]
-- order = "user_id"
--
-- [params]
-- as_of = "timestamptz, exclusive"
--
-- [columns]
-- user_id = "the user"
-- rating = ["stars", "mean rating of the reviews about the user, null without any (0 in Postgres)"]
-- review_count = ["reviews", "number of those reviews"]
--
-- [targets.users]
-- table = "public.users"
-- key = "id"
-- origin = "user_id"
-- every = "user"
-- columns = ["rating", "review_count"]
-- +++

with

reviews_per_user as (

    select
        reviewed_user_id as user_id,
        count(*) as review_count,
        (2 * sum(cast(rating * 10 as bigint)) + count(*)) // (2 * count(*)) as rating_tenths
    from raw.user_reviews
    where created_at < $as_of
    group by reviewed_user_id

),

final as (

    select
        users.id as user_id,
        cast(reviews_per_user.rating_tenths as decimal(38, 0)) * 0.1 as rating,
        coalesce(reviews_per_user.review_count, 0) as review_count
    from raw.users as users
    left join reviews_per_user
        on users.id = reviews_per_user.user_id

)

select * from final
order by user_id
