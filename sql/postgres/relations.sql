-- relations: the tables and views of one schema; those of extensions are nobody's business here.
--
-- +++
-- grain = "one row per table, view, materialized view or foreign table"
-- inputs = ["pg_class", "pg_depend"]
-- order = "name"
--
-- [params]
-- schema = "name of the schema"
-- +++

with

extension_members as (

    select objid
    from pg_depend
    where
        classid = 'pg_class'::regclass
        and deptype = 'e'

),

final as (

    select
        relname as relation,
        relname as name,
        '{}'::name[] as columns,
        case relkind
            when 'v' then 'view'
            when 'm' then 'materialized view'
            when 'f' then 'foreign table'
            when 'p' then 'partitioned table'
            else case relpersistence when 'u' then 'unlogged table' else 'table' end
        end as kind,
        case when relkind in ('v', 'm') then pg_get_viewdef(oid) else '' end as definition
    from pg_class
    where
        relnamespace = to_regnamespace(quote_ident(%(schema)s))
        and relkind in ('r', 'p', 'f', 'v', 'm')
        and oid not in (select extension_members.objid from extension_members)

)

select * from final
order by name
