-- table_rules: the keys and checks of one table of `public`, with the columns they are about.
--
-- kind is that of the constraint (p, u, f, c), u for a unique index of plain columns, other for any other one.
--
-- +++
-- grain = "one row per constraint, and per unique index that stands for itself"
-- inputs = ["pg_constraint", "pg_index", "pg_class", "pg_attribute"]
-- order = "name"
--
-- [params]
-- table = "name of the table"
-- +++

with

constraints as (

    select
        conname as name,
        contype::text as kind,
        conkey as positions,
        pg_get_constraintdef(oid) as definition,
        confrelid as refers_to,
        confkey as positions_there
    from pg_constraint
    where conrelid = to_regclass(quote_ident('public') || '.' || quote_ident(%(table)s))

),

unique_indexes as (

    select
        pg_class.relname as name,
        case when pg_index.indpred is null and pg_index.indexprs is null then 'u' else 'other' end as kind,
        (pg_index.indkey::int2[])[0:pg_index.indnkeyatts - 1] as positions,
        pg_get_indexdef(pg_class.oid) as definition,
        0::oid as refers_to,
        null::int2[] as positions_there
    from pg_index
    inner join pg_class
        on pg_index.indexrelid = pg_class.oid
    where
        pg_index.indrelid = to_regclass(quote_ident('public') || '.' || quote_ident(%(table)s))
        and pg_index.indisunique
        and pg_class.relname not in (select constraints.name from constraints)

),

rules as (

    select * from constraints
    union all
    select * from unique_indexes

),

final as (

    select
        rules.name,
        rules.kind,
        array(
            select pg_attribute.attname::text
            from pg_attribute
            where
                pg_attribute.attrelid = to_regclass(quote_ident('public') || '.' || quote_ident(%(table)s))
                and pg_attribute.attnum = any(rules.positions)
            order by array_position(rules.positions, pg_attribute.attnum)
        ) as columns,
        rules.definition,
        parents.relnamespace::regnamespace::text as refers_to_schema,
        parents.relname as refers_to,
        array(
            select pg_attribute.attname::text
            from pg_attribute
            where
                pg_attribute.attrelid = rules.refers_to
                and pg_attribute.attnum = any(rules.positions_there)
            order by array_position(rules.positions_there, pg_attribute.attnum)
        ) as columns_there
    from rules
    left join pg_class as parents
        on rules.refers_to = parents.oid

)

select * from final
order by name
