-- brand_reputations: write each sponsor's reputation where it differs from the one that stands there.
--
-- Whoever stopped being a sponsor since the extraction is skipped; whoever became one since then and
-- already has a row keeps it until the next refresh.
--
-- Dialect  postgres
-- Grain    one row in all: rows inserted, updated, deleted and skipped
-- Source   metrics.brand_reputations
-- Inputs   pg_temp.staging_brand_reputations, public.users
-- Target   public.brand_reputations

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
        review_count
    from pg_temp.staging_brand_reputations

),

present as (

    select staged.*
    from staged
    where exists (select 1 from public.users as source where source.id = staged.sponsor_id and source.role = 'sponsor')

),

changed as (

    select * from present
    except
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

written as (

    insert into public.brand_reputations as target (
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
    from changed
    order by sponsor_id
    on conflict (sponsor_id) do update set
        overall_rating = excluded.overall_rating,
        payment_speed_rating = excluded.payment_speed_rating,
        communication_rating = excluded.communication_rating,
        professionalism_rating = excluded.professionalism_rating,
        total_deals = excluded.total_deals,
        average_payment_time = excluded.average_payment_time,
        review_count = excluded.review_count
    returning target.xmax = 0 as is_new

),

removed as (

    delete from public.brand_reputations as target
    where
        not exists (select 1 from staged where staged.sponsor_id = target.sponsor_id)
        and not exists (
            select 1
            from public.users as source
            where
                source.id = target.sponsor_id
                and source.role = 'sponsor'
        )
    returning 1

)

select
    (select count(*) from written where is_new) as inserted,
    (select count(*) from written where not is_new) as updated,
    (select count(*) from removed) as deleted,
    (select count(*) from staged) - (select count(*) from present) as skipped
