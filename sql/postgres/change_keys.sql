-- change_keys: the operational tables, and the column by which the log tells an updated or deleted row of each.
--
-- +++
-- grain = "one row per ordinary table of the schema whose changes are in the log"
-- inputs = ["pg_class", "pg_namespace", "pg_index", "pg_attribute", "pg_inherits"]
-- units = """
-- key_name null where the log tells rows by several columns, by all of them or not at all; has_parts: other tables
-- inherit from it"""
-- order = "table_name"
-- +++

select
    pg_class.relname::text as table_name,
    case
        when pg_class.relreplident in ('d', 'i')
            then (
                select pg_attribute.attname::text
                from pg_index
                inner join pg_attribute
                    on
                        pg_index.indrelid = pg_attribute.attrelid
                        and pg_index.indkey[0] = pg_attribute.attnum
                where
                    pg_index.indrelid = pg_class.oid
                    and pg_index.indnkeyatts = 1
                    and case when pg_class.relreplident = 'd' then pg_index.indisprimary else pg_index.indisreplident end
            )
    end as key_name,
    exists (select from pg_inherits where pg_inherits.inhparent = pg_class.oid) as has_parts
from pg_class
inner join pg_namespace
    on pg_class.relnamespace = pg_namespace.oid
where
    pg_namespace.nspname = 'public'
    and pg_class.relkind = 'r'
    and pg_class.relpersistence = 'p'
order by table_name
