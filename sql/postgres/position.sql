-- position: how far a server has come in its log: a primary has written so far, a standby has replayed so far.
--
-- +++
-- grain = "one row"
-- inputs = "pg_control_checkpoint"
-- units = "timeline is another one after each promotion; log_bytes from the beginning of the log, which only grows"
-- order = "one row"
-- +++

select
    timeline_id::bigint as timeline,
    pg_is_in_recovery() as is_standby,
    pg_wal_lsn_diff(
        case when pg_is_in_recovery() then pg_last_wal_replay_lsn() else pg_current_wal_insert_lsn() end,
        '0/0'
    )::bigint as log_bytes
from pg_control_checkpoint()
