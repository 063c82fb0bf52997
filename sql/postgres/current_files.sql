-- current_files: what has the names of the relations by now, and which files hold their rows.
--
-- Runs inside the extraction's snapshot and looks beyond it: names and files are as of this moment.
--
-- +++
-- grain = "one row per relation that may be read, or is a part of one, as the snapshot knows it"
-- inputs = ["pg_class", "pg_namespace", "pg_inherits"]
-- units = """
-- named_oid is whatever has the name, null where nothing has; file is the number of the relation's own file"""
-- order = "relation_oid"
-- +++

select
    pg_class.oid::bigint as relation_oid,
    case
        when has_schema_privilege(pg_namespace.oid, 'usage')
            then to_regclass(format('%I.%I', pg_namespace.nspname, pg_class.relname))
        else pg_class.oid
    end::bigint as named_oid,
    pg_relation_filenode(pg_class.oid)::bigint as file
from pg_class
inner join pg_namespace
    on pg_class.relnamespace = pg_namespace.oid
where
    (pg_namespace.nspname in ('public', 'analytics') and pg_class.relkind in ('r', 'p', 'v', 'm', 'f'))
    or pg_class.oid in (select pg_inherits.inhrelid from pg_inherits)
order by relation_oid
