-- user_reviews: what is read of the operational table user_reviews.
--
-- Dialect  duckdb, with Postgres attached as pg
-- Grain    one row per review of a user by another
-- Inputs   pg.public.user_reviews
-- Columns  id uuid not null · deal_id uuid · reviewer_id uuid not null · reviewed_user_id uuid not null ·
--          rating numeric(2,1) not null · payment_speed_rating numeric(2,1) ·
--          communication_rating numeric(2,1) · professionalism_rating numeric(2,1) ·
--          created_at timestamp with time zone
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
