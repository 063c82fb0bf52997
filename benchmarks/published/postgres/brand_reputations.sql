-- brand_reputations: how each sponsor is rated, deals and pays.
--
-- Dialect  postgres
-- Grain    one row per sponsor
-- Inputs   public.users, public.user_reviews, public.deals, public.escrow_jobs
-- Params   %(as_of)s  timestamptz, exclusive
-- Units    ratings 1 to 5, 0 without any; average_payment_time days

create temporary table brand_reputations on commit drop as

with

reviews_per_user as (

    select
        reviewed_user_id as user_id,
        round(avg(rating), 1) as overall_rating,
        round(avg(payment_speed_rating), 1) as payment_speed_rating,
        round(avg(communication_rating), 1) as communication_rating,
        round(avg(professionalism_rating), 1) as professionalism_rating,
        count(*) as review_count
    from public.user_reviews
    where created_at < %(as_of)s
    group by reviewed_user_id

),

deals_per_sponsor as (

    select
        sponsor_id,
        count(*) as total_deals
    from public.deals
    where created_at < %(as_of)s
    group by sponsor_id

),

payments_per_sponsor as (

    select
        sponsor_id,
        round(avg(extract(epoch from released_at - work_submitted_at)) / 86400, 2) as average_payment_time
    from public.escrow_jobs
    where
        status = 'released'
        and created_at < %(as_of)s
        and released_at < %(as_of)s
        and released_at >= work_submitted_at
    group by sponsor_id

),

final as (

    select
        users.id as sponsor_id,
        coalesce(reviews_per_user.overall_rating, 0) as overall_rating,
        coalesce(reviews_per_user.payment_speed_rating, 0) as payment_speed_rating,
        coalesce(reviews_per_user.communication_rating, 0) as communication_rating,
        coalesce(reviews_per_user.professionalism_rating, 0) as professionalism_rating,
        coalesce(deals_per_sponsor.total_deals, 0) as total_deals,
        payments_per_sponsor.average_payment_time,
        coalesce(reviews_per_user.review_count, 0) as review_count
    from public.users as users
    left join reviews_per_user
        on users.id = reviews_per_user.user_id
    left join deals_per_sponsor
        on users.id = deals_per_sponsor.sponsor_id
    left join payments_per_sponsor
        on users.id = payments_per_sponsor.sponsor_id
    where users.role = 'sponsor'

)

select * from final
