-- accepted_before_sent: an invite was accepted before it was sent.
--
-- It counts as accepted; the time it took is left out of means and medians.
--
-- +++
-- grain = "one row per invite"
-- severity = "warning"
-- inputs = "raw.invites"
-- order = "invite_id"
-- remedy = "Correct sent_at or accepted_at in Postgres"
-- +++

with

final as (

    select
        id as invite_id,
        agent_id,
        sent_at,
        accepted_at
    from raw.invites
    where
        accepted_at < sent_at
        and sent_at < $as_of

)

select * from final
order by invite_id
