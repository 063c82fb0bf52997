-- sources: the relations an extraction may read, as they stand, and their columns.
--
-- Runs inside the extraction's snapshot. Only what can hold rows is listed; of the columns, those that are there.
--
-- +++
-- grain = "one row per relation and column; one with column nulls for a relation without columns"
-- inputs = ["pg_class", "pg_namespace", "pg_am", "pg_attribute", "pg_type", "pg_index", "pg_rewrite", "pg_depend"]
-- units = """
-- file is the number of the file that holds the rows: another one after every rewrite or truncation; marks are
-- the place and the version of a row, part_readable is about which part of a table it lies in; rows_hidden
-- says whether policies apply to this role; stands_on lists the oids of what a view shows; bare_type is the
-- type without domains, text for whatever is kept as letters"""
-- order = "relation_schema, relation_name, attnum"
-- +++

with recursive

domains as (

    select
        pg_type.oid as domain_id,
        pg_type.typbasetype as bare_id,
        pg_type.typtypmod as modifier,
        pg_type.typnotnull as not_null
    from pg_type
    where pg_type.typtype = 'd'

    union all

    select
        domains.domain_id,
        pg_type.typbasetype as bare_id,
        pg_type.typtypmod as modifier,
        domains.not_null or pg_type.typnotnull as not_null
    from domains
    inner join pg_type
        on domains.bare_id = pg_type.oid
    where pg_type.typtype = 'd'

),

bare_domains as (

    select
        domains.domain_id,
        domains.bare_id,
        domains.modifier,
        domains.not_null
    from domains
    inner join pg_type
        on domains.bare_id = pg_type.oid
    where pg_type.typtype <> 'd'

),

types as (

    select
        pg_type.oid as type_id,
        bare_domains.modifier,
        bare_domains.domain_id is not null as is_domain,
        coalesce(bare_domains.not_null, false) as not_null,
        case
            when bare.typcategory in ('S', 'E') then 'text'
            when bare.typcategory = 'A' and elements.typcategory in ('S', 'E') then 'text[]'
            when bare.typcategory = 'A'
                then format_type(coalesce(element_domains.bare_id, bare.typelem), null) || '[]'
        end as simple_type,
        bare.oid as bare_id
    from pg_type
    left join bare_domains
        on pg_type.oid = bare_domains.domain_id
    inner join pg_type as bare
        on coalesce(bare_domains.bare_id, pg_type.oid) = bare.oid
    left join pg_type as elements
        on bare.typelem = elements.oid
    left join bare_domains as element_domains
        on bare.typelem = element_domains.domain_id

)

select
    pg_namespace.nspname::text as relation_schema,
    pg_class.relname::text as relation_name,
    pg_class.oid::bigint as relation_oid,
    pg_class.relfilenode::bigint as file,
    pg_class.relkind::text as relation_kind,
    coalesce(pg_am.amname::text, '') as access_method,
    has_schema_privilege(pg_namespace.oid, 'usage') and has_table_privilege(pg_class.oid, 'select') as readable,
    coalesce((
        select bool_and(has_column_privilege(pg_class.oid, marks.attnum, 'select'))
        from pg_attribute as marks
        where
            pg_class.oid = marks.attrelid
            and marks.attname in ('ctid', 'xmin')
            and marks.attnum < 0
    ), false) as marks_readable,
    coalesce((
        select has_column_privilege(pg_class.oid, marks.attnum, 'select')
        from pg_attribute as marks
        where
            pg_class.oid = marks.attrelid
            and marks.attname = 'tableoid'
            and marks.attnum < 0
    ), false) as part_readable,
    row_security_active(pg_class.oid) as rows_hidden,
    coalesce(case when pg_class.relkind = 'v' then md5(pg_get_viewdef(pg_class.oid)) end, '') as definition,
    coalesce((
        select string_agg(distinct pg_depend.refobjid::text, ',')
        from pg_rewrite
        inner join pg_depend
            on
                pg_depend.classid = 'pg_rewrite'::regclass
                and pg_rewrite.oid = pg_depend.objid
        where
            pg_rewrite.ev_class = pg_class.oid
            and pg_depend.refclassid = 'pg_class'::regclass
            and pg_depend.refobjid <> pg_class.oid
    ), '') as stands_on,
    pg_attribute.attnum::bigint as attnum,
    pg_attribute.attname::text as column_name,
    format_type(pg_attribute.atttypid, pg_attribute.atttypmod) as column_type,
    pg_attribute.attnotnull or coalesce(types.not_null, false) as not_null,
    coalesce(
        types.simple_type,
        format_type(types.bare_id, case when types.is_domain then types.modifier else pg_attribute.atttypmod end)
    ) as bare_type,
    pg_attribute.attnum in (
        select pg_index.indkey[0]
        from pg_index
        where
            pg_class.oid = pg_index.indrelid
            and pg_index.indisunique
            and pg_index.indisvalid
            and pg_index.indpred is null
            and pg_index.indnkeyatts = 1
    ) as is_unique,
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
left join types
    on pg_attribute.atttypid = types.type_id
where
    pg_namespace.nspname in ('public', 'analytics')
    and pg_class.relkind in ('r', 'p', 'v', 'm', 'f')
order by relation_schema, relation_name, attnum
