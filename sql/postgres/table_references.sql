-- table_references: the foreign keys of any table that refer to one table of `public`.
--
-- +++
-- grain = "one row per foreign key"
-- inputs = ["pg_constraint", "pg_class", "pg_attribute"]
-- order = "schema, relation, name"
--
-- [params]
-- table = "name of the table that is referred to"
-- +++

with

foreign_keys as (

    select
        conname,
        conrelid,
        conkey,
        confrelid,
        confkey
    from pg_constraint
    where
        contype = 'f'
        and conparentid = 0
        and confrelid = to_regclass(quote_ident('public') || '.' || quote_ident(%(table)s))

),

final as (

    select
        foreign_keys.conname as name,
        pg_namespace.nspname as schema,
        pg_class.relname as relation,
        array(
            select pg_attribute.attname::text
            from pg_attribute
            where
                pg_attribute.attrelid = foreign_keys.conrelid
                and pg_attribute.attnum = any(foreign_keys.conkey)
            order by array_position(foreign_keys.conkey, pg_attribute.attnum)
        ) as columns,
        array(
            select pg_attribute.attname::text
            from pg_attribute
            where
                pg_attribute.attrelid = foreign_keys.confrelid
                and pg_attribute.attnum = any(foreign_keys.confkey)
            order by array_position(foreign_keys.confkey, pg_attribute.attnum)
        ) as columns_there
    from foreign_keys
    inner join pg_class
        on foreign_keys.conrelid = pg_class.oid
    inner join pg_namespace
        on pg_class.relnamespace = pg_namespace.oid

)

select * from final
order by schema, relation, name
