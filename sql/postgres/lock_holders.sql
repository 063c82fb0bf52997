-- lock_holders: the sessions of this database whose locks on tables keep others waiting, the oldest transaction first.
--
-- Those that wait for their lock themselves are among them: whoever comes later waits behind them. Since when is closed
-- to who may not see other users' activity; what they run is nobody's business here.
--
-- +++
-- grain = "one row per session, three at most"
-- inputs = ["pg_locks", "pg_stat_activity", "pg_database", "pg_class"]
-- order = "xact_start, pid"
--
-- [params]
-- modes = "the locks that count"
-- tables = "names of tables and views, in whatever schema; null for all there are"
-- +++

with

locking as (

    select distinct pg_locks.pid
    from pg_locks
    inner join pg_database
        on pg_locks.database = pg_database.oid
    left join pg_class
        on pg_locks.relation = pg_class.oid
    where
        pg_locks.locktype = 'relation'
        and pg_locks.mode = any(cast(%(modes)s as text[]))
        and (cast(%(tables)s as text[]) is null or pg_class.relname = any(cast(%(tables)s as text[])))
        and pg_database.datname = current_database()
        and pg_locks.pid <> pg_backend_pid()

),

final as (

    select
        locking.pid,
        pg_stat_activity.application_name,
        pg_stat_activity.usename,
        pg_stat_activity.xact_start
    from locking
    inner join pg_stat_activity
        on locking.pid = pg_stat_activity.pid
    order by pg_stat_activity.xact_start, locking.pid
    limit 3

)

select * from final
order by xact_start, pid
