-- keys_aside: the foreign keys and secondary indexes of the given tables of `public` that can be taken off and rebuilt.
--
-- Only what the definition describes wholly: a comment, a tablespace, a clustering would be lost.
-- Only what we may: tables that we, or a role we are in, own.
--
-- +++
-- grain = "one row per foreign key or index"
-- inputs = ["pg_constraint", "pg_index", "pg_class"]
-- order = "kind, relation, name"
--
-- [params]
-- tables = "names of the tables"
-- +++

with

our_tables as (

    select
        oid,
        relname
    from pg_class
    where
        relnamespace = to_regnamespace(quote_ident('public'))
        and relkind = 'r'
        and reltablespace = 0
        and relname = any(%(tables)s)
        and pg_has_role(relowner, 'usage')

),

foreign_keys as (

    select
        'foreign key' as kind,
        children.relname as relation,
        pg_constraint.conname as name,
        pg_get_constraintdef(pg_constraint.oid) as definition
    from pg_constraint
    inner join our_tables as children
        on pg_constraint.conrelid = children.oid
    inner join our_tables as parents
        on pg_constraint.confrelid = parents.oid
    where
        pg_constraint.contype = 'f'
        and pg_constraint.conparentid = 0
        and obj_description(pg_constraint.oid, 'pg_constraint') is null

),

secondary_indexes as (

    select
        'index' as kind,
        our_tables.relname as relation,
        indexes.relname as name,
        pg_get_indexdef(indexes.oid) as definition
    from pg_index
    inner join pg_class as indexes
        on pg_index.indexrelid = indexes.oid
    inner join our_tables
        on pg_index.indrelid = our_tables.oid
    where
        pg_index.indisvalid
        and not pg_index.indisunique
        and not pg_index.indisexclusion
        and not pg_index.indisclustered
        and pg_index.indexprs is null
        and indexes.reltablespace = 0
        and not indexes.relispartition
        and obj_description(indexes.oid, 'pg_class') is null

),

final as (

    select * from foreign_keys
    union all
    select * from secondary_indexes

)

select * from final
order by kind, relation, name
