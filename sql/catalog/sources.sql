-- sources: the relations an extraction may read, as they stand, and their columns.
--
-- Runs inside the extraction's snapshot. Only what can hold rows is listed; of the columns, those that are there.
--
-- Dialect  postgres
-- Grain    one row per relation and column; one with column nulls for a relation without columns
-- Inputs   pg_class, pg_namespace, pg_am, pg_inherits, pg_attribute
-- Units    file is the number of the file that holds the rows: another one after every rewrite or truncation;
--          marks are the place and the version of a row; rows_hidden says whether policies apply to this role
-- Order    relation_schema, relation_name, attnum

select
    pg_namespace.nspname::text as relation_schema,
    pg_class.relname::text as relation_name,
    pg_class.oid::bigint as relation_oid,
    pg_class.relfilenode::bigint as file,
    pg_class.relkind::text as relation_kind,
    coalesce(pg_am.amname::text, '') as access_method,
    exists(
        select from pg_inherits
        where pg_class.oid = pg_inherits.inhparent
    ) as has_children,
    has_schema_privilege(pg_namespace.oid, 'usage') and has_table_privilege(pg_class.oid, 'select') as readable,
    coalesce((
        select bool_and(has_column_privilege(pg_class.oid, marks.attnum, 'select'))
        from pg_attribute as marks
        where
            pg_class.oid = marks.attrelid
            and marks.attname in ('ctid', 'xmin')
            and marks.attnum < 0
    ), false) as marks_readable,
    row_security_active(pg_class.oid) as rows_hidden,
    coalesce(case when pg_class.relkind = 'v' then md5(pg_get_viewdef(pg_class.oid)) end, '') as definition,
    pg_attribute.attnum::bigint as attnum,
    pg_attribute.attname::text as column_name,
    format_type(pg_attribute.atttypid, pg_attribute.atttypmod) as column_type,
    pg_attribute.attnotnull as not_null,
    has_schema_privilege(pg_namespace.oid, 'usage')
    and has_column_privilege(pg_class.oid, pg_attribute.attnum, 'select') as column_readable
from pg_class
inner join pg_namespace
    on pg_class.relnamespace = pg_namespace.oid
left join pg_am
    on pg_class.relam = pg_am.oid
left join pg_attribute
    on
        pg_class.oid = pg_attribute.attrelid
        and pg_attribute.attnum > 0
        and not pg_attribute.attisdropped
where
    pg_namespace.nspname in ('public', 'analytics')
    and pg_class.relkind in ('r', 'p', 'v', 'm', 'f')
order by relation_schema, relation_name, attnum
