-- role_rights: what a role may do with the tables and views of this database, from whomever it has the right.
--
-- A right on some columns counts, and so does one that everybody has.
--
-- Dialect  postgres
-- Grain    one row per relation outside Postgres's own schemas that the role may do anything with
-- Inputs   pg_class, pg_namespace
-- Params   %(role)s  the role's name
-- Order    relation

with

relations as (

    select
        concat(pg_namespace.nspname, '.', pg_class.relname) as relation,
        has_any_column_privilege(%(role)s, pg_class.oid, 'select') as may_read,
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
        may_read,
        may_write
    from relations
    where may_read or may_write

)

select * from final
order by relation
