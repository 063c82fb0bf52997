-- brand_leaderboard: the board that the materialized view of this name shows.
--
-- Dialect  postgres
-- Grain    one row in all: rows inserted, updated, deleted and skipped
-- Source   metrics.brand_reputations
-- Inputs   pg_temp.changes_brand_leaderboard
-- Target   analytics.brand_leaderboard
-- Key      sponsor_id
-- Columns  company, overall_rating, payment_speed_rating, communication_rating, professionalism_rating,
--          review_count, total_deals, average_payment_time, reputation_score, rank
-- Params   %(part)s  which part of the changes

with

changes as (

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
        rank,
        action
    from pg_temp.changes_brand_leaderboard
    where part = %(part)s

),

inserted as (

    insert into analytics.brand_leaderboard (
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
    from changes
    where action = 'insert'
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
    returning sponsor_id

),

updated as (

    update analytics.brand_leaderboard as target
    set
        company = changes.company,
        overall_rating = changes.overall_rating,
        payment_speed_rating = changes.payment_speed_rating,
        communication_rating = changes.communication_rating,
        professionalism_rating = changes.professionalism_rating,
        review_count = changes.review_count,
        total_deals = changes.total_deals,
        average_payment_time = changes.average_payment_time,
        reputation_score = changes.reputation_score,
        rank = changes.rank
    from changes
    where
        target.sponsor_id = changes.sponsor_id
        and changes.action = 'update'
    returning target.sponsor_id

),

deleted as (

    delete from analytics.brand_leaderboard as target
    using changes
    where
        target.sponsor_id = changes.sponsor_id
        and changes.action = 'delete'
    returning target.sponsor_id

),

counted as (

    select
        (select count(*) from inserted) as inserted,
        (select count(*) from updated) as updated,
        (select count(*) from deleted) as deleted,
        (select count(*) from changes) as changes

)

select
    inserted,
    updated,
    deleted,
    changes - inserted - updated - deleted as skipped
from counted
