-- rights: what whoever is connected may not do of what a refresh does.
--
-- Relations and columns that are not there are left out: they are told of as missing, not as closed. Which part of a
-- table a row lies in is asked of tables that have parts alone; a view shows a table if it stands on just that.
--
-- +++
-- grain = """
-- one row per relation, schema or database, and right that is missing there; with the columns, where the right
-- is there on others"""
-- inputs = ["pg_class", "pg_namespace", "pg_attribute", "pg_proc", "pg_rewrite", "pg_depend", "pg_inherits"]
-- order = "relation, needed"
--
-- [params]
-- schemas = "once for each right and column that is needed"
-- relations = "once for each right and column that is needed"
-- needs = """
-- the right: read for what is extracted, which the view that shows it gives as well; ownership for what is
-- refreshed; or a privilege"""
-- columns = "the column, null where the right is one on the whole relation"
-- +++

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

-- The tables of which a view shows the extracted columns, where this user may read it.
shown as (

    select max(cast(pg_depend.refobjid as bigint)) as relation_oid
    from pg_class
    inner join pg_namespace
        on pg_class.relnamespace = pg_namespace.oid
    inner join pg_rewrite
        on pg_class.oid = pg_rewrite.ev_class
    inner join pg_depend
        on
            pg_depend.classid = cast('pg_rewrite' as regclass)
            and pg_rewrite.oid = pg_depend.objid
            and pg_depend.refclassid = cast('pg_class' as regclass)
            and pg_class.oid <> pg_depend.refobjid
    where
        pg_namespace.nspname = 'analytics'
        and pg_class.relkind = 'v'
        and starts_with(pg_class.relname, 'source_')
        and has_schema_privilege(pg_namespace.oid, 'usage')
        and has_table_privilege(pg_class.oid, 'select')
    group by pg_class.oid
    having count(distinct pg_depend.refobjid) = 1

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
        cast(pg_class.oid as bigint) in (select shown.relation_oid from shown) as is_shown
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
    where
        (wanted.column_name is null or pg_attribute.attname is not null)
        and (
            wanted.column_name is distinct from 'tableoid'
            or pg_class.relkind = 'p'
            or exists (
                select 1
                from pg_inherits
                where pg_inherits.inhparent = pg_class.oid
            )
        )

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
