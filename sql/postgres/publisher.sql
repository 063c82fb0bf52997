-- publisher: the session whose turn it is to publish in this database.
--
-- Since when is closed to who may not see other users' activity.
--
-- +++
-- grain = "one row per session that holds the advisory lock"
-- inputs = ["pg_locks", "pg_stat_activity", "pg_database"]
-- order = "pid"
--
-- [params]
-- lock = "number of the lock"
-- +++

with

final as (

    select
        pg_locks.pid,
        pg_stat_activity.application_name,
        pg_stat_activity.usename,
        pg_stat_activity.xact_start
    from pg_locks
    inner join pg_database
        on pg_locks.database = pg_database.oid
    left join pg_stat_activity
        on pg_locks.pid = pg_stat_activity.pid
    where
        pg_locks.locktype = 'advisory'
        and pg_locks.granted
        and pg_locks.objsubid = 1
        and pg_database.datname = current_database()
        and cast(pg_locks.classid as bigint) = cast(%(lock)s as bigint) >> 32
        and cast(pg_locks.objid as bigint) = cast(%(lock)s as bigint) & 4294967295

)

select * from final
order by pid
