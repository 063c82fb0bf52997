-- brand_reputations: each sponsor's reputation that differs from the one that stands there.
--
-- Whoever stopped being a sponsor since the extraction is skipped; whoever became one since then and
-- already has a row keeps it until the next refresh.
--
-- Dialect  postgres
-- Grain    one row per sponsor to be inserted, updated, deleted or skipped: the columns as they are to be; action
-- Inputs   pg_temp.staging_brand_reputations, public.brand_reputations, public.users
-- Order    sponsor_id

with

staged as (

    select
        sponsor_id,
        overall_rating,
        payment_speed_rating,
        communication_rating,
        professionalism_rating,
        total_deals,
        average_payment_time,
        review_count,
        is_gone
    from pg_temp.staging_brand_reputations

),

standing as (

    select
        sponsor_id,
        overall_rating,
        payment_speed_rating,
        communication_rating,
        professionalism_rating,
        total_deals,
        average_payment_time,
        review_count
    from public.brand_reputations

),

sponsors as (

    select id
    from public.users
    where role = 'sponsor'

),

final as (

    select
        staged.sponsor_id,
        staged.overall_rating,
        staged.payment_speed_rating,
        staged.communication_rating,
        staged.professionalism_rating,
        staged.total_deals,
        staged.average_payment_time,
        staged.review_count,
        case
            when staged.is_gone then 'delete'
            when sponsors.id is null then 'skip'
            when standing.sponsor_id is null then 'insert'
            else 'update'
        end as action
    from staged
    left join standing
        on staged.sponsor_id = standing.sponsor_id
    left join sponsors
        on staged.sponsor_id = sponsors.id
    where
        case
            when staged.is_gone then standing.sponsor_id is not null and sponsors.id is null
            else (
                staged.sponsor_id,
                staged.overall_rating,
                staged.payment_speed_rating,
                staged.communication_rating,
                staged.professionalism_rating,
                staged.total_deals,
                staged.average_payment_time,
                staged.review_count
            ) is distinct from (
                standing.sponsor_id,
                standing.overall_rating,
                standing.payment_speed_rating,
                standing.communication_rating,
                standing.professionalism_rating,
                standing.total_deals,
                standing.average_payment_time,
                standing.review_count
            )
        end

)

select * from final
order by sponsor_id
