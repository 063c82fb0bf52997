-- users: write each user's rating and number of reviews where they differ.
--
-- A user who was deleted since the extraction is skipped.
--
-- Dialect  postgres
-- Grain    one row in all: rows inserted, updated, deleted and skipped
-- Source   metrics.user_ratings
-- From     user_id
-- Inputs   pg_temp.changes_users
-- Target   public.users
-- Key      id
-- Columns  rating, review_count
-- Zero     rating
-- Params   %(part)s  which part of the changes

with

changes as (

    select
        id,
        rating,
        review_count,
        action
    from pg_temp.changes_users
    where part = %(part)s

),

updated as (

    update public.users as target
    set
        rating = changes.rating,
        review_count = changes.review_count
    from changes
    where
        target.id = changes.id
        and changes.action = 'update'
    returning target.id

),

counted as (

    select
        0 as inserted,
        (select count(*) from updated) as updated,
        0 as deleted,
        (select count(*) from changes) as changes

)

select
    inserted,
    updated,
    deleted,
    changes - inserted - updated - deleted as skipped
from counted
