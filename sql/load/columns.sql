-- columns: the columns of one table of `public`, and what a file must and may say of each.
--
-- base is the type without its length, the element's for an array, the bare one for a domain.
--
-- Dialect  postgres
-- Grain    one row per column
-- Inputs   pg_attribute, pg_type
-- Params   %(table)s  name of the table
-- Order    position

with

columns_of_the_table as (

    select
        attname as name,
        attnum as position,
        atttypid,
        atttypmod,
        attnotnull and not atthasdef and attidentity = '' as required,
        attgenerated = '' and attidentity <> 'a' as writable
    from pg_attribute
    where
        attrelid = to_regclass(quote_ident('public') || '.' || quote_ident(%(table)s))
        and attnum > 0
        and not attisdropped

),

bare_types as (

    select
        oid,
        case when typtype = 'd' then typbasetype else oid end as bare
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
        columns_of_the_table.required,
        columns_of_the_table.writable,
        columns_of_the_table.position
    from columns_of_the_table
    inner join bare_types
        on columns_of_the_table.atttypid = bare_types.oid
    inner join pg_type
        on bare_types.bare = pg_type.oid

)

select * from final
order by position
