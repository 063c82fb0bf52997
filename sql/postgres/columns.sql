-- columns: every column of the tables of one schema, and beside it whether it must be set and its default.
--
-- +++
-- grain = "one row per column, one more where it is not null, one more where it has a default"
-- inputs = ["pg_attribute", "pg_class", "pg_attrdef", "pg_type", "pg_collation"]
-- order = "relation, kind, name"
--
-- [params]
-- schema = "name of the schema"
-- +++

with

table_columns as (

    select
        pg_class.relname as relation,
        pg_attribute.attname as name,
        pg_attribute.attnotnull as is_not_null,
        concat_ws(
            ' ',
            format_type(pg_attribute.atttypid, pg_attribute.atttypmod),
            'collate ' || quote_ident(pg_collation.collname),
            case pg_attribute.attidentity when 'a' then 'identity always' when 'd' then 'identity by default' end,
            case when pg_attribute.attgenerated <> '' then 'generated' end
        ) as type,
        case when pg_attribute.attgenerated <> '' then 'generated always as ' else '' end
        || pg_get_expr(pg_attrdef.adbin, pg_attrdef.adrelid) as default_value
    from pg_attribute
    inner join pg_class
        on pg_attribute.attrelid = pg_class.oid
    inner join pg_type
        on pg_attribute.atttypid = pg_type.oid
    left join pg_collation
        on
            pg_attribute.attcollation = pg_collation.oid
            and pg_attribute.attcollation <> pg_type.typcollation
    left join pg_attrdef
        on
            pg_attribute.attrelid = pg_attrdef.adrelid
            and pg_attribute.attnum = pg_attrdef.adnum
    where
        pg_class.relnamespace = to_regnamespace(quote_ident(%(schema)s))
        and pg_class.relkind in ('r', 'p', 'f')
        and pg_attribute.attnum > 0
        and not pg_attribute.attisdropped

),

final as (

    select
        'column' as kind,
        relation,
        name,
        type as definition,
        '{}'::name[] as columns
    from table_columns

    union all

    select
        'not null' as kind,
        relation,
        name,
        'not null' as definition,
        '{}'::name[] as columns
    from table_columns
    where is_not_null

    union all

    select
        'default' as kind,
        relation,
        name,
        default_value as definition,
        '{}'::name[] as columns
    from table_columns
    where default_value is not null

)

select * from final
order by relation, kind, name
