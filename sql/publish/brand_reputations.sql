-- brand_reputations: write each sponsor's reputation that differs from the one that stands there.
--
-- Whoever stopped being a sponsor since the extraction is skipped; whoever became one since then and
-- already has a row keeps it until the next refresh.
--
-- Dialect  postgres
-- Grain    one row in all: rows inserted, updated, deleted and skipped
-- Source   metrics.brand_reputations
-- Inputs   pg_temp.changes_brand_reputations, public.users
-- Target   public.brand_reputations
-- Key      sponsor_id
-- Columns  overall_rating, payment_speed_rating, communication_rating, professionalism_rating, total_deals,
--          average_payment_time, review_count
-- Zero     overall_rating, payment_speed_rating, communication_rating, professionalism_rating
-- Params   %(part)s  which part of the changes

with

changes as (

    select
        sponsor_id,
        overall_rating,
        payment_speed_rating,
        communication_rating,
        professionalism_rating,
        total_deals,
        average_payment_time,
        review_count,
        action
    from pg_temp.changes_brand_reputations
    where part = %(part)s

),

inserted as (

    insert into public.brand_reputations (
        sponsor_id,
        overall_rating,
        payment_speed_rating,
        communication_rating,
        professionalism_rating,
        total_deals,
        average_payment_time,
        review_count
    )
    select
        sponsor_id,
        overall_rating,
        payment_speed_rating,
        communication_rating,
        professionalism_rating,
        total_deals,
        average_payment_time,
        review_count
    from changes
    where
        action = 'insert'
        and exists (
            select 1
            from public.users as source
            where
                source.id = changes.sponsor_id
                and source.role = 'sponsor'
        )
    order by sponsor_id
    on conflict (sponsor_id) do update set
        overall_rating = excluded.overall_rating,
        payment_speed_rating = excluded.payment_speed_rating,
        communication_rating = excluded.communication_rating,
        professionalism_rating = excluded.professionalism_rating,
        total_deals = excluded.total_deals,
        average_payment_time = excluded.average_payment_time,
        review_count = excluded.review_count
    returning sponsor_id

),

updated as (

    update public.brand_reputations as target
    set
        overall_rating = changes.overall_rating,
        payment_speed_rating = changes.payment_speed_rating,
        communication_rating = changes.communication_rating,
        professionalism_rating = changes.professionalism_rating,
        total_deals = changes.total_deals,
        average_payment_time = changes.average_payment_time,
        review_count = changes.review_count
    from changes
    where
        target.sponsor_id = changes.sponsor_id
        and changes.action = 'update'
    returning target.sponsor_id

),

deleted as (

    delete from public.brand_reputations as target
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
