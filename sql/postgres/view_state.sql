-- view_state: one materialized view as whoever is connected finds it, and how they may refresh it.
--
-- +++
-- grain = "one row for the view, none where there is none: is it filled, may they refresh it, or have it refreshed"
-- inputs = ["pg_class", "pg_namespace", "pg_proc"]
-- order = "populated"
--
-- [params]
-- schema = "its schema"
-- view = "its name"
-- +++

with

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

final as (

    select
        pg_class.relispopulated as populated,
        pg_has_role(pg_class.relowner, 'usage') as owned,
        (select count(*) from lending) > 0 as lent
    from pg_class
    inner join pg_namespace
        on pg_class.relnamespace = pg_namespace.oid
    where
        pg_namespace.nspname = %(schema)s
        and pg_class.relname = %(view)s
        and pg_class.relkind = 'm'

)

select * from final
order by populated
