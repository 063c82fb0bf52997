-- indexes: the indexes of one schema that are not there for the sake of a key.
--
-- That of a partitioned table is written as it was made.
-- An index left invalid by an interrupted build answers no query, and says so in its definition.
--
-- +++
-- grain = "one row per index"
-- inputs = ["pg_index", "pg_class", "pg_constraint"]
-- order = "name"
--
-- [params]
-- schema = "name of the schema"
-- +++

with

indexes_of_keys as (

    select conindid
    from pg_constraint
    where contype in ('p', 'u', 'x')

),

final as (

    select
        'index' as kind,
        relations.relname as relation,
        indexes.relname as name,
        '{}'::name[] as columns,
        replace(pg_get_indexdef(indexes.oid, 0, true), ' ON ONLY ', ' ON ')
        || case when pg_index.indisvalid then '' else ' (invalid)' end as definition
    from pg_index
    inner join pg_class as indexes
        on pg_index.indexrelid = indexes.oid
    inner join pg_class as relations
        on pg_index.indrelid = relations.oid
    where
        relations.relnamespace = to_regnamespace(quote_ident(%(schema)s))
        and relations.relkind in ('r', 'p', 'm')
        and indexes.oid not in (select indexes_of_keys.conindid from indexes_of_keys)

)

select * from final
order by name
