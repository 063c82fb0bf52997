-- elsewhere: the other schema that holds most of the operational tables, where the one that was asked does not.
--
-- +++
-- grain = "one row, none where no other schema holds more than half of the tables, or half of them were found"
-- inputs = ["pg_class", "pg_namespace"]
-- order = "tables_there, schema_name"
--
-- [params]
-- tables = "names of the tables"
-- schema = "the schema they were looked for in"
-- found = "how many of them are there"
-- +++

with

final as (

    select
        pg_namespace.nspname::text as schema_name,
        count(*) as tables_there
    from pg_class
    inner join pg_namespace
        on pg_class.relnamespace = pg_namespace.oid
    where
        pg_class.relname = any(cast(%(tables)s as text[]))
        and pg_class.relkind in ('r', 'p', 'v', 'm', 'f')
        and pg_namespace.nspname not in (%(schema)s, 'analytics', 'information_schema')
        and not starts_with(pg_namespace.nspname, 'pg_')
    group by pg_namespace.nspname
    having
        count(*) * 2 > cardinality(cast(%(tables)s as text[]))
        and cast(%(found)s as integer) * 2 < cardinality(cast(%(tables)s as text[]))

)

select * from final
order by tables_there desc, schema_name asc
limit 1
