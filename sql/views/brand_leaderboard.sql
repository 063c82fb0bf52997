-- brand_leaderboard: the all-time board of sponsors as of the last refresh.
--
-- The unique index is what lets `refresh materialized view concurrently` leave readers alone.
--
-- +++
-- grain = "one row per sponsor; one without a review has no rating, score or rank"
-- inputs = "analytics.brand_leaderboard"
-- units = "ratings and reputation_score 1 to 5; average_payment_time days"
-- +++

create materialized view if not exists brand_leaderboard as
select
    sponsor_id,
    company,
    overall_rating,
    payment_speed_rating,
    communication_rating,
    professionalism_rating,
    review_count,
    total_deals,
    average_payment_time,
    reputation_score,
    rank
from analytics.brand_leaderboard;

create unique index if not exists idx_brand_leaderboard_sponsor_id on brand_leaderboard (sponsor_id);
create index if not exists idx_brand_leaderboard_rank on brand_leaderboard (rank);
