-- slot: a replication slot, and what reading it needs of the server and of this role.
--
-- What only later versions tell of a slot is taken from the row as a whole, so that one query does for all of them.
--
-- +++
-- grain = "one row; what is about the slot is null where there is none of that name"
-- inputs = ["pg_replication_slots", "pg_roles", "pg_settings"]
-- units = """
-- confirmed_bytes from the beginning of the log: what was committed before it is not told any more; retained_bytes
-- of log that the slot holds back, size_limit_bytes how much it may, -1 without a limit; inactive_since null
-- before PostgreSQL 17"""
-- order = "one row"
--
-- [params]
-- slot = "the name of the slot"
-- +++

select
    pg_replication_slots.slot_name::text as slot_name,
    pg_replication_slots.plugin::text as plugin,
    pg_replication_slots.database = current_database() as is_here,
    pg_replication_slots.database::text as slot_database,
    pg_replication_slots.active_pid,
    pg_replication_slots.wal_status,
    pg_wal_lsn_diff(pg_replication_slots.confirmed_flush_lsn, '0/0')::bigint as confirmed_bytes,
    case
        when not pg_is_in_recovery()
            then pg_wal_lsn_diff(pg_current_wal_insert_lsn(), pg_replication_slots.restart_lsn)::bigint
    end as retained_bytes,
    (
        select pg_settings.setting::bigint * case when pg_settings.setting = '-1' then 1 else 1024 * 1024 end
        from pg_settings
        where pg_settings.name = 'max_slot_wal_keep_size'
    ) as size_limit_bytes,
    (to_jsonb(pg_replication_slots) ->> 'inactive_since')::timestamptz as inactive_since,
    coalesce((to_jsonb(pg_replication_slots) ->> 'conflicting')::boolean, false) as is_conflicting,
    asking.rolreplication or asking.rolsuper as may_replicate,
    asking.rolname::text as role_name,
    pg_is_in_recovery() as is_standby,
    current_setting('wal_level') as wal_level,
    current_setting('server_version_num')::integer as server_version
from pg_roles as asking
left join pg_replication_slots
    on pg_replication_slots.slot_name = %(slot)s
where asking.rolname = current_user
