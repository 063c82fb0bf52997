-- rights: what whoever is connected may not do of what a refresh does.
--
-- Relations that are not there are left out: they are told of as missing, not as closed.
--
-- Dialect  postgres
-- Grain    one row per right that is missing, on a relation or on the schema it is in
-- Inputs   pg_class, pg_namespace, pg_proc
-- Params   %(read)s  names of the tables in public that are read · %(updated)s  of the tables that only have columns
--          updated · %(written)s  of the tables whose rows come and go · %(refreshed)s  of the materialized views; the
--          last three with their schema
-- Order    relation, needed

with

wanted as (

    select
        concat('public.', listed.name) as relation,
        'select' as needed
    from unnest(cast(%(read)s as text[])) as listed (name)

    union all

    select
        listed.name as relation,
        'update' as needed
    from unnest(cast(%(updated)s as text[])) as listed (name)

    union all

    select
        listed.name as relation,
        privileges.needed
    from unnest(cast(%(written)s as text[])) as listed (name)
    cross join (values ('insert'), ('update'), ('delete')) as privileges (needed)

    union all

    select
        listed.name as relation,
        'ownership' as needed
    from unnest(cast(%(refreshed)s as text[])) as listed (name)

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

-- The views that show what is extracted of a table to those who may not read the table.
views as (

    select pg_class.relname as name
    from pg_class
    inner join pg_namespace
        on pg_class.relnamespace = pg_namespace.oid
    where
        pg_namespace.nspname = 'analytics'
        and has_schema_privilege(pg_namespace.oid, 'usage')
        and has_table_privilege(pg_class.oid, 'select')

),

schemas as (

    select distinct
        pg_namespace.nspname as relation,
        'usage' as needed
    from wanted
    inner join pg_namespace
        on split_part(wanted.relation, '.', 1) = pg_namespace.nspname
    where not has_schema_privilege(pg_namespace.oid, 'usage')

),

-- Found in the catalog, for to_regclass fails in a schema that is closed to this user. A right on some columns is
-- one: which columns a command names is its own affair.
relations as (

    select
        wanted.relation,
        wanted.needed
    from wanted
    inner join pg_namespace
        on split_part(wanted.relation, '.', 1) = pg_namespace.nspname
    inner join pg_class
        on
            pg_namespace.oid = pg_class.relnamespace
            and split_part(wanted.relation, '.', 2) = pg_class.relname
    where
        not case
            when wanted.needed = 'ownership'
                then pg_has_role(pg_class.relowner, 'usage') or exists (select 1 from lending)
            when wanted.needed = 'delete' then has_table_privilege(pg_class.oid, 'delete')
            when wanted.needed = 'select'
                then
                    has_any_column_privilege(pg_class.oid, 'select')
                    or exists (
                        select 1
                        from views
                        where views.name = concat('source_', pg_class.relname)
                    )
            else has_any_column_privilege(pg_class.oid, wanted.needed)
        end

),

final as (

    select
        relation,
        needed
    from schemas

    union all

    select
        relation,
        needed
    from relations

)

select * from final
order by relation, needed
