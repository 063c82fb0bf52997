-- users: how each user is rated, and by how many reviews.
--
-- Dialect  postgres
-- Grain    one row per user
-- Inputs   public.users, public.user_reviews
-- Params   %(as_of)s  timestamptz, exclusive
-- Units    rating 1 to 5, 0 without a review

create temporary table users on commit drop as

with

reviews_per_user as (

    select
        reviewed_user_id as user_id,
        round(avg(rating), 1) as rating,
        count(*) as review_count
    from public.user_reviews
    where created_at < %(as_of)s
    group by reviewed_user_id

),

final as (

    select
        users.id as user_id,
        coalesce(reviews_per_user.rating, 0) as rating,
        coalesce(reviews_per_user.review_count, 0) as review_count
    from public.users as users
    left join reviews_per_user
        on users.id = reviews_per_user.user_id

)

select * from final
