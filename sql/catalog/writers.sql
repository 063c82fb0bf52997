-- writers: the sessions of this database whose transactions are open the longest, of those that may hold rows.
--
-- Postgres does not tell whom a wait that was given up was for. Since when is closed to who may not see other users'
-- activity.
--
-- Dialect  postgres
-- Grain    one row per session, three at most
-- Inputs   pg_locks, pg_stat_activity, pg_database
-- Order    xact_start, pid

with

writing as (

    select distinct pg_locks.pid
    from pg_locks
    inner join pg_database
        on pg_locks.database = pg_database.oid
    where
        pg_locks.locktype = 'relation'
        and pg_locks.granted
        and pg_locks.mode <> 'AccessShareLock'
        and pg_database.datname = current_database()
        and pg_locks.pid <> pg_backend_pid()

),

final as (

    select
        writing.pid,
        pg_stat_activity.application_name,
        pg_stat_activity.usename,
        pg_stat_activity.xact_start
    from writing
    inner join pg_stat_activity
        on writing.pid = pg_stat_activity.pid
    order by pg_stat_activity.xact_start, writing.pid
    limit 3

)

select * from final
order by xact_start, pid
