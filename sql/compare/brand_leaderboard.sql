-- brand_leaderboard: the rows of the board that differ from those the materialized view of this name shows.
--
-- Dialect  postgres
-- Grain    one row per sponsor to be inserted, updated or deleted: the columns as they are to be; action
-- Inputs   pg_temp.staging_brand_leaderboard, analytics.brand_leaderboard
-- Order    sponsor_id

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
        rank,
        is_gone
    from pg_temp.staging_brand_leaderboard

),

standing as (

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

final as (

    select
        staged.sponsor_id,
        staged.company,
        staged.overall_rating,
        staged.payment_speed_rating,
        staged.communication_rating,
        staged.professionalism_rating,
        staged.review_count,
        staged.total_deals,
        staged.average_payment_time,
        staged.reputation_score,
        staged.rank,
        case
            when staged.is_gone then 'delete'
            when standing.sponsor_id is null then 'insert'
            else 'update'
        end as action
    from staged
    left join standing
        on staged.sponsor_id = standing.sponsor_id
    where
        case
            when staged.is_gone then standing.sponsor_id is not null
            else (
                staged.sponsor_id,
                staged.company,
                staged.overall_rating,
                staged.payment_speed_rating,
                staged.communication_rating,
                staged.professionalism_rating,
                staged.review_count,
                staged.total_deals,
                staged.average_payment_time,
                staged.reputation_score,
                staged.rank
            ) is distinct from (
                standing.sponsor_id,
                standing.company,
                standing.overall_rating,
                standing.payment_speed_rating,
                standing.communication_rating,
                standing.professionalism_rating,
                standing.review_count,
                standing.total_deals,
                standing.average_payment_time,
                standing.reputation_score,
                standing.rank
            )
        end

)

select * from final
order by sponsor_id
