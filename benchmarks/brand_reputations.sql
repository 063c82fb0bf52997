-- brand_reputations: ratings, deals and payment time of every sponsor in Postgres's own SQL.
--
-- Dialect  postgres
-- Grain    one row per sponsor
-- Inputs   public.users, public.user_reviews, public.deals, public.escrow_jobs
-- Params   %(as_of)s  timestamptz, exclusive

with

reviews as (

    select reviewed_user_id as sponsor_id, count(*) as review_count, round(avg(rating), 1) as overall_rating
    from public.user_reviews
    where created_at < %(as_of)s
    group by reviewed_user_id

),

deals as (

    select sponsor_id, count(*) as total_deals
    from public.deals
    where created_at < %(as_of)s
    group by sponsor_id

),

payments as (

    select
        sponsor_id,
        round((avg(extract(epoch from released_at - work_submitted_at)) / 86400)::numeric, 2) as average_payment_time
    from public.escrow_jobs
    where status = 'released' and created_at < %(as_of)s and released_at < %(as_of)s and released_at >= work_submitted_at
    group by sponsor_id

)

select
    users.id as sponsor_id,
    coalesce(reviews.overall_rating, 0) as overall_rating,
    coalesce(reviews.review_count, 0) as review_count,
    coalesce(deals.total_deals, 0) as total_deals,
    payments.average_payment_time
from public.users as users
left join reviews on users.id = reviews.sponsor_id
left join deals on users.id = deals.sponsor_id
left join payments on users.id = payments.sponsor_id
where users.role = 'sponsor'
order by users.id
