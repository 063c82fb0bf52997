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

with

identifying as (

    select
        pg_index.indrelid,
        pg_index.indisprimary,
        pg_index.indisreplident,
        pg_attribute.attname
    from pg_index
    inner join pg_attribute
        on
            pg_index.indrelid = pg_attribute.attrelid
            and pg_index.indkey[0] = pg_attribute.attnum
    where pg_index.indnkeyatts = 1

),

final as (

    select
        pg_class.relname::text as table_name,
        identifying.attname::text as key_name,
        exists(select 1 from pg_inherits where pg_inherits.inhparent = pg_class.oid) as has_parts,
        pg_class.oid::bigint as table_oid
    from pg_class
    inner join pg_namespace
        on pg_class.relnamespace = pg_namespace.oid
    left join identifying
        on
            pg_class.oid = identifying.indrelid
            and case pg_class.relreplident
                when 'd' then identifying.indisprimary
                when 'i' then identifying.indisreplident
                else false
            end
    where
        pg_namespace.nspname = 'public'
        and pg_class.relkind = 'r'
        and pg_class.relpersistence = 'p'

)

select * from final
order by table_name
