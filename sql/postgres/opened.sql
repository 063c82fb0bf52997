-- opened: the relations that this transaction has read, all parts of a table among them.
--
-- Each is held until the transaction ends. What was no part of a table any more when that was read is not listed.
--
-- +++
-- grain = "one row per relation"
-- inputs = "pg_locks"
-- order = "relation_oid"
-- +++

select distinct relation::bigint as relation_oid
from pg_locks
where
    pid = pg_backend_pid()
    and locktype = 'relation'
    and granted
order by relation_oid
