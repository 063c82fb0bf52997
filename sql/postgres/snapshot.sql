-- snapshot: the moment an extraction reads, and which server and database it is.
--
-- A standby that has replayed all it has received shows the present; one that has not, or receives nothing, shows the
-- moment of the last transaction it has replayed.
--
-- +++
-- grain = "one row"
-- inputs = ["pg_database", "pg_stat_wal_receiver"]
-- units = "snapshot_id as pg_current_snapshot() writes it: xmin:xmax:the ids between them still in progress"
-- order = "one row"
-- +++

select
    pg_current_snapshot()::text as snapshot_id,
    case
        when
            not pg_is_in_recovery()
            or (
                (select count(*) from pg_stat_wal_receiver) > 0
                and pg_last_wal_receive_lsn() <= pg_last_wal_replay_lsn()
            )
            then statement_timestamp()
        else coalesce(pg_last_xact_replay_timestamp(), statement_timestamp())
    end as taken_at,
    pg_database.oid::bigint as database_oid,
    has_function_privilege('pg_control_system()', 'execute')
    and has_function_privilege('pg_control_checkpoint()', 'execute') as may_ask_who,
    pg_is_in_recovery() as is_standby
from pg_database
where pg_database.datname = current_database()
