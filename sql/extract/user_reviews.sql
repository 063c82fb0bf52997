-- user_reviews: what is read of the operational table user_reviews.
--
-- Dialect  duckdb, with Postgres attached as pg
-- Grain    one row per review of a user by another
-- Inputs   pg.public.user_reviews
-- Left     in Postgres: comment
-- Key      id
-- Time     created_at

select
    id,
    deal_id,
    reviewer_id,
    reviewed_user_id,
    rating,
    payment_speed_rating,
    communication_rating,
    professionalism_rating,
    created_at
from pg.public.user_reviews
