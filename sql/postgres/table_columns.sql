-- table_columns: the columns of one table of `public`, and what a file must and may say of each.
--
-- base is the type without its length, the element's for an array, the bare one for a domain; stored is the type with
-- its length, what a domain stands for.
--
-- +++
-- grain = "one row per column"
-- inputs = ["pg_attribute", "pg_attrdef", "pg_type"]
-- order = "position"
--
-- [params]
-- table = "name of the table"
-- +++

with

columns_of_the_table as (

    select
        attname as name,
        attnum as position,
        atttypid,
        atttypmod,
        attnotnull as not_null,
        attnotnull and not atthasdef and attidentity = '' as required,
        attgenerated = '' and attidentity <> 'a' as writable,
        case when attgenerated = '' then (
            select pg_get_expr(pg_attrdef.adbin, pg_attrdef.adrelid)
            from pg_attrdef
            where pg_attrdef.adrelid = pg_attribute.attrelid and pg_attrdef.adnum = pg_attribute.attnum
        ) end as preset
    from pg_attribute
    where
        attrelid = to_regclass(quote_ident('public') || '.' || quote_ident(%(table)s))
        and attnum > 0
        and not attisdropped

),

bare_types as (

    select
        oid,
        case when typtype = 'd' then typbasetype else oid end as bare,
        case when typtype = 'd' then typtypmod end as bare_typmod
    from pg_type

),

final as (

    select
        columns_of_the_table.name,
        format_type(columns_of_the_table.atttypid, columns_of_the_table.atttypmod) as type,
        format_type(
            case when pg_type.typcategory = 'A' then pg_type.typelem else pg_type.oid end,
            null
        ) as base,
        pg_type.typcategory = 'A' as is_array,
        format_type(
            bare_types.bare, coalesce(bare_types.bare_typmod, columns_of_the_table.atttypmod)
        ) as stored,
        columns_of_the_table.not_null,
        columns_of_the_table.required,
        columns_of_the_table.writable,
        columns_of_the_table.preset,
        columns_of_the_table.position
    from columns_of_the_table
    inner join bare_types
        on columns_of_the_table.atttypid = bare_types.oid
    inner join pg_type
        on bare_types.bare = pg_type.oid

)

select * from final
order by position
