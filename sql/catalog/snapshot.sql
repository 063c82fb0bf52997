-- snapshot: the moment an extraction reads, and which server and database it is.
--
-- Dialect  postgres
-- Grain    one row
-- Inputs   pg_database
-- Units    snapshot_id as pg_current_snapshot() writes it: xmin:xmax:the ids between them still in progress
-- Order    one row

select
    pg_current_snapshot()::text as snapshot_id,
    statement_timestamp() as taken_at,
    pg_database.oid::bigint as database_oid,
    has_function_privilege('pg_control_system()', 'execute') as may_ask_who
from pg_database
where pg_database.datname = current_database()
