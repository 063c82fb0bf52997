-- role_rights: what a role may do with the tables and views of this database, from whomever it has the right.
--
-- A right on some columns counts, and so does one that everybody has. Of the columns that Postgres gives every table
-- only those that tell where and in which part a row lies and which transaction wrote it are looked at.
--
-- +++
-- grain = "one row per relation outside Postgres's own schemas that the role may do anything with"
-- inputs = ["pg_class", "pg_namespace", "pg_attribute"]
-- order = "relation"
--
-- [params]
-- role = "the role's name"
-- +++

with

relations as (

    select
        concat(pg_namespace.nspname, '.', pg_class.relname) as relation,
        array(
            select pg_attribute.attname::text
            from pg_attribute
            where
                pg_class.oid = pg_attribute.attrelid
                and (pg_attribute.attnum > 0 or pg_attribute.attname in ('ctid', 'xmin', 'tableoid'))
                and not pg_attribute.attisdropped
                and has_column_privilege(%(role)s, pg_class.oid, pg_attribute.attnum, 'select')
        ) as columns_read,
        has_any_column_privilege(%(role)s, pg_class.oid, 'insert, update, references')
        or has_table_privilege(%(role)s, pg_class.oid, 'delete, truncate, trigger') as may_write
    from pg_class
    inner join pg_namespace
        on pg_class.relnamespace = pg_namespace.oid
    where
        has_schema_privilege(%(role)s, pg_namespace.oid, 'usage')
        and pg_class.relkind in ('r', 'p', 'v', 'm', 'f')
        and pg_namespace.nspname not like 'pg\_%%'
        and pg_namespace.nspname <> 'information_schema'

),

final as (

    select
        relation,
        columns_read,
        may_write
    from relations
    where cardinality(columns_read) > 0 or may_write

)

select * from final
order by relation
