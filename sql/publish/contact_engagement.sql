-- contact_engagement: write each contact's engagement that differs from the one that stands there.
--
-- A contact deleted since the extraction is skipped; one added since then keeps its row, if it has any.
--
-- Dialect  postgres
-- Grain    one row in all: rows inserted, updated, deleted and skipped
-- Source   metrics.contact_engagement
-- Inputs   pg_temp.changes_contact_engagement, public.contacts
-- Target   public.contact_engagement
-- Key      contact_id
-- Columns  total_invites_sent, last_invite_sent_at, opened_count, clicked_count, last_opened_at, last_clicked_at,
--          response_rate
-- Zero     response_rate
-- Params   %(part)s  which part of the changes

with

changes as (

    select
        contact_id,
        total_invites_sent,
        last_invite_sent_at,
        opened_count,
        clicked_count,
        last_opened_at,
        last_clicked_at,
        response_rate,
        action
    from pg_temp.changes_contact_engagement
    where part = %(part)s

),

inserted as (

    insert into public.contact_engagement (
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
    from changes
    where
        action = 'insert'
        and exists (select 1 from public.contacts as source where source.id = changes.contact_id)
    order by contact_id
    on conflict (contact_id) do update set
        total_invites_sent = excluded.total_invites_sent,
        last_invite_sent_at = excluded.last_invite_sent_at,
        opened_count = excluded.opened_count,
        clicked_count = excluded.clicked_count,
        last_opened_at = excluded.last_opened_at,
        last_clicked_at = excluded.last_clicked_at,
        response_rate = excluded.response_rate
    returning contact_id

),

updated as (

    update public.contact_engagement as target
    set
        total_invites_sent = changes.total_invites_sent,
        last_invite_sent_at = changes.last_invite_sent_at,
        opened_count = changes.opened_count,
        clicked_count = changes.clicked_count,
        last_opened_at = changes.last_opened_at,
        last_clicked_at = changes.last_clicked_at,
        response_rate = changes.response_rate
    from changes
    where
        target.contact_id = changes.contact_id
        and changes.action = 'update'
    returning target.contact_id

),

deleted as (

    delete from public.contact_engagement as target
    using changes
    where
        target.contact_id = changes.contact_id
        and changes.action = 'delete'
    returning target.contact_id

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
