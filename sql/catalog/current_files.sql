-- current_files: the files that hold the rows of the operational tables by now.
--
-- Runs inside the extraction's snapshot and looks beyond it: the name of a table is resolved as of this moment.
--
-- Dialect  postgres
-- Grain    one row per operational table that the snapshot knows
-- Inputs   pg_class, pg_namespace
-- Units    current_file is the number of the file of whatever has the name; null where nothing has
-- Order    relation_name

select
    pg_class.relname::text as relation_name,
    pg_relation_filenode(
        case
            when has_schema_privilege(pg_namespace.oid, 'usage')
                then to_regclass(format('%I.%I', pg_namespace.nspname, pg_class.relname))
            else pg_class.oid
        end
    )::bigint as current_file
from pg_class
inner join pg_namespace
    on pg_class.relnamespace = pg_namespace.oid
where
    pg_namespace.nspname = 'public'
    and pg_class.relkind in ('r', 'p', 'v', 'm', 'f')
order by relation_name
