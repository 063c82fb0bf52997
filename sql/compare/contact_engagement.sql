-- contact_engagement: each contact's engagement that differs from the one that stands there.
--
-- A contact deleted since the extraction is skipped; one added since then keeps its row, if it has any.
--
-- Dialect  postgres
-- Grain    one row per contact to be inserted, updated, deleted or skipped: the columns as they are to be; action
-- Inputs   pg_temp.staging_contact_engagement, public.contact_engagement, public.contacts
-- Order    contact_id

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
        response_rate,
        is_gone
    from pg_temp.staging_contact_engagement

),

standing as (

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

contacts as (

    select id
    from public.contacts

),

final as (

    select
        staged.contact_id,
        staged.total_invites_sent,
        staged.last_invite_sent_at,
        staged.opened_count,
        staged.clicked_count,
        staged.last_opened_at,
        staged.last_clicked_at,
        staged.response_rate,
        case
            when staged.is_gone then 'delete'
            when contacts.id is null then 'skip'
            when standing.contact_id is null then 'insert'
            else 'update'
        end as action
    from staged
    left join standing
        on staged.contact_id = standing.contact_id
    left join contacts
        on staged.contact_id = contacts.id
    where
        case
            when staged.is_gone then standing.contact_id is not null and contacts.id is null
            else (
                staged.contact_id,
                staged.total_invites_sent,
                staged.last_invite_sent_at,
                staged.opened_count,
                staged.clicked_count,
                staged.last_opened_at,
                staged.last_clicked_at,
                staged.response_rate
            ) is distinct from (
                standing.contact_id,
                standing.total_invites_sent,
                standing.last_invite_sent_at,
                standing.opened_count,
                standing.clicked_count,
                standing.last_opened_at,
                standing.last_clicked_at,
                standing.response_rate
            )
        end

)

select * from final
order by contact_id
