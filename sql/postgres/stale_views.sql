-- stale_views: the views that show another relation than the one that has the name they were made with.
--
-- A view holds on to a table, whatever becomes of its name: renamed, and another put in its place, the old is shown.
--
-- +++
-- grain = "one row per view that does not stand on just what it was declared to stand on"
-- inputs = ["pg_class", "pg_namespace", "pg_rewrite", "pg_depend"]
-- order = "view_name"
--
-- [params]
-- places = "what each view is called, once for each relation that it is to show"
-- view_schemas = "where it is"
-- view_names = "where it is"
-- shown_schemas = "where that relation is"
-- shown_names = "where that relation is"
-- +++

with

wanted as (

    select
        listed.place,
        concat_ws('.', listed.view_schema, listed.view_name) as view_name,
        concat_ws('.', listed.shown_schema, listed.shown_name) as shown,
        views.oid as view_oid,
        shown_relations.oid as shown_oid
    from
        unnest(
            cast(%(places)s as text[]),
            cast(%(view_schemas)s as text[]),
            cast(%(view_names)s as text[]),
            cast(%(shown_schemas)s as text[]),
            cast(%(shown_names)s as text[])
        ) as listed (place, view_schema, view_name, shown_schema, shown_name)
    inner join pg_namespace as view_schemas
        on listed.view_schema = view_schemas.nspname
    inner join pg_class as views
        on
            view_schemas.oid = views.relnamespace
            and listed.view_name = views.relname
            and views.relkind in ('v', 'm')
    left join pg_namespace as schemas
        on listed.shown_schema = schemas.nspname
    left join pg_class as shown_relations
        on
            schemas.oid = shown_relations.relnamespace
            and listed.shown_name = shown_relations.relname

),

standing as (

    select distinct
        wanted.view_name,
        wanted.view_oid,
        pg_depend.refobjid as shown_oid
    from wanted
    inner join pg_rewrite
        on wanted.view_oid = pg_rewrite.ev_class
    inner join pg_depend
        on
            pg_depend.classid = cast('pg_rewrite' as regclass)
            and pg_rewrite.oid = pg_depend.objid
            and pg_depend.refclassid = cast('pg_class' as regclass)
    where pg_depend.refobjid <> wanted.view_oid

),

final as (

    select
        wanted.place,
        wanted.view_name,
        string_agg(wanted.shown, ', ' order by wanted.shown) as shown
    from wanted
    left join standing
        on
            wanted.view_oid = standing.view_oid
            and wanted.shown_oid = standing.shown_oid
    where standing.shown_oid is null
    group by wanted.place, wanted.view_name

)

select * from final
order by view_name
