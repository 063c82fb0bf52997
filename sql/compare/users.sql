-- users: the users whose rating or number of reviews differs.
--
-- A user who was deleted since the extraction is skipped.
--
-- Dialect  postgres
-- Grain    one row per user to be updated or skipped: the columns as they are to be; action
-- Inputs   pg_temp.staging_users, public.users
-- Order    id

with

staged as (

    select
        id,
        rating,
        review_count,
        is_gone
    from pg_temp.staging_users

),

standing as (

    select
        id,
        rating,
        review_count
    from public.users

),

final as (

    select
        staged.id,
        staged.rating,
        staged.review_count,
        case when standing.id is null then 'skip' else 'update' end as action
    from staged
    left join standing
        on staged.id = standing.id
    where
        not staged.is_gone
        and (
            staged.id,
            staged.rating,
            staged.review_count
        ) is distinct from (
            standing.id,
            standing.rating,
            standing.review_count
        )

)

select * from final
order by id
