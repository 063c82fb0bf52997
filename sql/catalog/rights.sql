-- rights: what whoever is connected may not do of what a refresh does.
--
-- Relations and columns that are not there are left out: they are told of as missing, not as closed.
--
-- Dialect  postgres
-- Grain    one row per relation, schema or database, and right that is missing there; with the columns, where the right
--          is there on others
-- Inputs   pg_class, pg_namespace, pg_attribute, pg_proc
-- Params   %(schemas)s, %(relations)s  once for each right and column that is needed · %(needs)s  the right: read
--          for what is extracted, which the view that shows it gives as well; ownership for what is refreshed; or a
--          privilege · %(columns)s  the column, null where the right is one on the whole relation
-- Order    relation, needed

with

wanted as (

    select
        concat(quote_ident(schema_name), '.', quote_ident(relation_name)) as relation,
        schema_name,
        relation_name,
        need,
        column_name
    from
        unnest(
            cast(%(schemas)s as text[]),
            cast(%(relations)s as text[]),
            cast(%(needs)s as text[]),
            cast(%(columns)s as text[])
        ) as listed (schema_name, relation_name, need, column_name)

),

-- The function by which the owner of the views lets others refresh them, where there is one for this user.
lending as (

    select pg_proc.oid
    from pg_proc
    inner join pg_namespace
        on pg_proc.pronamespace = pg_namespace.oid
    where
        pg_namespace.nspname = 'analytics'
        and pg_proc.proname = 'refresh_view'
        and has_function_privilege(pg_proc.oid, 'execute')

),

-- The views that show the extracted columns, where this user may read them.
shown as (

    select substr(pg_class.relname, length('source_') + 1) as relation_name
    from pg_class
    inner join pg_namespace
        on pg_class.relnamespace = pg_namespace.oid
    where
        pg_namespace.nspname = 'analytics'
        and pg_class.relkind = 'v'
        and starts_with(pg_class.relname, 'source_')
        and has_schema_privilege(pg_namespace.oid, 'usage')
        and has_table_privilege(pg_class.oid, 'select')

),

schemas as (

    select distinct
        quote_ident(pg_namespace.nspname) as relation,
        'usage' as needed
    from wanted
    inner join pg_namespace
        on wanted.schema_name = pg_namespace.nspname
    where not has_schema_privilege(pg_namespace.oid, 'usage')

),

-- Found in the catalog, for to_regclass fails in a schema that is closed to this user.
standing as (

    select
        wanted.relation,
        wanted.need,
        wanted.column_name,
        pg_class.oid,
        pg_class.relowner,
        wanted.relation_name in (select shown.relation_name from shown) as is_shown
    from wanted
    inner join pg_namespace
        on wanted.schema_name = pg_namespace.nspname
    inner join pg_class
        on
            pg_namespace.oid = pg_class.relnamespace
            and wanted.relation_name = pg_class.relname
    left join pg_attribute
        on
            pg_class.oid = pg_attribute.attrelid
            and wanted.column_name = pg_attribute.attname
            and not pg_attribute.attisdropped
    where wanted.column_name is null or pg_attribute.attname is not null

),

-- A policy that hides rows from this user would make numbers smaller: our sessions ask Postgres to refuse instead.
hidden as (

    select distinct
        relation,
        'bypassrls' as needed
    from standing
    where
        row_security_active(oid)
        and not (need = 'read' and is_shown)

),

judged as (

    select
        relation,
        column_name,
        case need when 'read' then 'select' else need end as needed,
        case
            when need = 'read' then is_shown or has_column_privilege(oid, column_name, 'select')
            when need = 'ownership' then pg_has_role(relowner, 'usage') or exists (select 1 from lending)
            when column_name is null then has_table_privilege(oid, need)
            else has_column_privilege(oid, column_name, need)
        end as is_held
    from standing

),

relations as (

    select
        relation,
        case
            -- On none of its columns, or on the whole of it.
            when bool_or(is_held) is false or count(column_name) < count(*) then needed
            else concat(
                needed,
                ' (',
                string_agg(quote_ident(column_name), ', ' order by column_name) filter (where not is_held),
                ')'
            )
        end as needed
    from judged
    group by relation, needed
    having not bool_and(is_held)

),

databases as (

    select
        quote_ident(current_database()) as relation,
        'temporary' as needed
    where not has_database_privilege(current_database(), 'temporary')

),

final as (

    select
        relation,
        needed
    from databases

    union all

    select
        relation,
        needed
    from schemas

    union all

    select
        relation,
        needed
    from relations

    union all

    select
        relation,
        needed
    from hidden

)

select * from final
order by relation, needed
