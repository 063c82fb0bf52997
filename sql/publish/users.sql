-- users: write each user's rating and review count where they differ from those that stand there.
--
-- A row that was deleted since the extraction is skipped.
--
-- Dialect  postgres
-- Grain    one row in all: rows inserted, updated, deleted and skipped
-- Source   metrics.user_ratings
-- Inputs   pg_temp.staging_users
-- Target   public.users

with

staged as (

    select
        user_id,
        rating,
        review_count
    from pg_temp.staging_users

),

present as (

    select staged.*
    from staged
    inner join public.users as target
        on staged.user_id = target.id

),

changed as (

    select * from present
    except
    select
        id,
        rating,
        review_count
    from public.users

),

written as (

    update public.users as target
    set
        rating = changed.rating,
        review_count = changed.review_count
    from changed
    where target.id = changed.user_id
    returning 1

)

select
    0 as inserted,
    (select count(*) from written) as updated,
    0 as deleted,
    (select count(*) from staged) - (select count(*) from present) as skipped
