-- brand_leaderboard: the board that the materialized view of this name shows.
--
-- Dialect  postgres
-- Grain    one row in all: rows inserted, updated, deleted and skipped
-- Source   metrics.brand_reputations
-- Inputs   pg_temp.staging_brand_leaderboard
-- Target   analytics.brand_leaderboard

with

staged as (

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
    from pg_temp.staging_brand_leaderboard

),

present as (

    select * from staged

),

changed as (

    select * from present
    except
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
    from analytics.brand_leaderboard

),

written as (

    insert into analytics.brand_leaderboard as target (
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
    )
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
    from changed
    order by sponsor_id
    on conflict (sponsor_id) do update set
        company = excluded.company,
        overall_rating = excluded.overall_rating,
        payment_speed_rating = excluded.payment_speed_rating,
        communication_rating = excluded.communication_rating,
        professionalism_rating = excluded.professionalism_rating,
        review_count = excluded.review_count,
        total_deals = excluded.total_deals,
        average_payment_time = excluded.average_payment_time,
        reputation_score = excluded.reputation_score,
        rank = excluded.rank
    returning target.xmax = 0 as is_new

),

removed as (

    delete from analytics.brand_leaderboard as target
    where
        not exists (select 1 from staged where staged.sponsor_id = target.sponsor_id)
    returning 1

)

select
    (select count(*) from written where is_new) as inserted,
    (select count(*) from written where not is_new) as updated,
    (select count(*) from removed) as deleted,
    (select count(*) from staged) - (select count(*) from present) as skipped
