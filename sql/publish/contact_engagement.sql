-- contact_engagement: write each contact's engagement where it differs from the one that stands there.
--
-- A contact deleted since the extraction is skipped; one added since then keeps its row, if it has any.
--
-- Dialect  postgres
-- Grain    one row in all: rows inserted, updated, deleted and skipped
-- Source   metrics.contact_engagement
-- Inputs   pg_temp.staging_contact_engagement, public.contacts
-- Target   public.contact_engagement

with

staged as (

    select
        contact_id,
        total_invites_sent,
        last_invite_sent_at,
        opened_count,
        clicked_count,
        last_opened_at,
        last_clicked_at,
        response_rate
    from pg_temp.staging_contact_engagement

),

present as (

    select staged.*
    from staged
    where exists (select 1 from public.contacts as source where source.id = staged.contact_id)

),

changed as (

    select * from present
    except
    select
        contact_id,
        total_invites_sent,
        last_invite_sent_at,
        opened_count,
        clicked_count,
        last_opened_at,
        last_clicked_at,
        response_rate
    from public.contact_engagement

),

written as (

    insert into public.contact_engagement as target (
        contact_id,
        total_invites_sent,
        last_invite_sent_at,
        opened_count,
        clicked_count,
        last_opened_at,
        last_clicked_at,
        response_rate
    )
    select
        contact_id,
        total_invites_sent,
        last_invite_sent_at,
        opened_count,
        clicked_count,
        last_opened_at,
        last_clicked_at,
        response_rate
    from changed
    order by contact_id
    on conflict (contact_id) do update set
        total_invites_sent = excluded.total_invites_sent,
        last_invite_sent_at = excluded.last_invite_sent_at,
        opened_count = excluded.opened_count,
        clicked_count = excluded.clicked_count,
        last_opened_at = excluded.last_opened_at,
        last_clicked_at = excluded.last_clicked_at,
        response_rate = excluded.response_rate
    returning target.xmax = 0 as is_new

),

removed as (

    delete from public.contact_engagement as target
    where
        not exists (select 1 from staged where staged.contact_id = target.contact_id)
        and not exists (select 1 from public.contacts as source where source.id = target.contact_id)
    returning 1

)

select
    (select count(*) from written where is_new) as inserted,
    (select count(*) from written where not is_new) as updated,
    (select count(*) from removed) as deleted,
    (select count(*) from staged) - (select count(*) from present) as skipped
