-- idle_slots: the slots of this database from which nobody reads at the moment, and what they hold back.
--
-- +++
-- grain = "one row per logical slot of this database that no session uses"
-- inputs = "pg_replication_slots"
-- units = """
-- retained_bytes of log that the server keeps for it, null for a slot that was lost; inactive_since null before
-- PostgreSQL 17"""
-- order = "slot_name"
-- +++

select
    pg_replication_slots.slot_name::text as slot_name,
    case
        when not pg_is_in_recovery()
            then pg_wal_lsn_diff(pg_current_wal_insert_lsn(), pg_replication_slots.restart_lsn)::bigint
    end as retained_bytes,
    (to_jsonb(pg_replication_slots) ->> 'inactive_since')::timestamptz as inactive_since
from pg_replication_slots
where
    pg_replication_slots.slot_type = 'logical'
    and pg_replication_slots.database = current_database()
    and not pg_replication_slots.active
order by slot_name
