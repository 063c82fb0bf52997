-- replica: how a standby keeps up with its primary, and what it does to a session that stands in its way.
--
-- +++
-- grain = "one row"
-- inputs = "pg_stat_wal_receiver"
-- units = """
-- log_bytes replayed, from the beginning of the log; shown_at the moment of the last transaction replayed,
-- null where none was"""
-- order = "one row"
-- +++

select
    pg_is_in_recovery() as is_standby,
    coalesce(pg_wal_lsn_diff(pg_last_wal_replay_lsn(), '0/0'), 0)::bigint as log_bytes,
    pg_last_xact_replay_timestamp() as shown_at,
    clock_timestamp() as clock,
    (select count(*) from pg_stat_wal_receiver) > 0 as receives,
    current_setting('hot_standby_feedback') as feedback,
    current_setting('max_standby_streaming_delay') as patience
