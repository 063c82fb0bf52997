-- target_identity: a published table as it stands: which one it is, and whether its rows tell who wrote them last.
--
-- A row is marked with the transaction that wrote it, where heap stores it: in a plain table, and no part of it.
--
-- +++
-- grain = "one row; none where there is no such table"
-- inputs = ["pg_class", "pg_namespace", "pg_am", "pg_attribute", "pg_inherits"]
-- units = """
-- file is the number of the file that holds the rows: another one after every rewrite or truncation; shape has number,
-- name and type of each column that is asked for; key_types the types of those of the key"""
-- order = "one row"
--
-- [params]
-- schema = "its schema"
-- table = "its name"
-- key = "the columns of its key"
-- columns = "all columns that are published, the key's among them"
-- +++

with

columns as (

    select
        pg_attribute.attrelid,
        pg_attribute.attnum,
        pg_attribute.attname,
        format_type(pg_attribute.atttypid, pg_attribute.atttypmod) as kind
    from pg_attribute
    where
        pg_attribute.attnum > 0
        and pg_attribute.attname = any(cast(%(columns)s as name[]))

),

final as (

    select
        cast(pg_class.oid as bigint) as relation_oid,
        cast(pg_class.relfilenode as bigint) as file,
        pg_class.relkind = 'r'
        and coalesce(pg_am.amname = 'heap', false)
        and not exists (
            select 1
            from pg_inherits
            where pg_class.oid in (pg_inherits.inhparent, pg_inherits.inhrelid)
        ) as is_plain,
        coalesce((
            select has_column_privilege(pg_class.oid, marks.attnum, 'select')
            from pg_attribute as marks
            where
                pg_class.oid = marks.attrelid
                and marks.attname = 'xmin'
                and marks.attnum < 0
        ), false) as mark_readable,
        (
            select
                string_agg(
                    concat_ws(' ', columns.attnum, columns.attname, columns.kind), ',' order by columns.attnum
                )
            from columns
            where pg_class.oid = columns.attrelid
        ) as shape,
        array(
            select columns.kind
            from columns
            where
                pg_class.oid = columns.attrelid
                and columns.attname = any(cast(%(key)s as name[]))
            order by columns.attnum
        ) as key_types
    from pg_class
    inner join pg_namespace
        on pg_class.relnamespace = pg_namespace.oid
    left join pg_am
        on pg_class.relam = pg_am.oid
    where
        pg_namespace.nspname = %(schema)s
        and pg_class.relname = %(table)s

)

select * from final
