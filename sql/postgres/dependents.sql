-- dependents: what would fall with a view, were it dropped.
--
-- +++
-- grain = "one row per object of another's that depends on the view"
-- inputs = ["pg_depend", "pg_rewrite"]
-- order = "dependent"
--
-- [params]
-- view = "schema and name of the view, each quoted"
-- +++

with

objects as (

    -- A view depends through its rule: name the view instead.
    select distinct
        case
            when pg_rewrite.oid is not null
                then pg_describe_object('pg_class'::regclass, pg_rewrite.ev_class, 0)
            else pg_describe_object(pg_depend.classid, pg_depend.objid, pg_depend.objsubid)
        end as dependent
    from pg_depend
    left join pg_rewrite
        on
            pg_depend.classid = 'pg_rewrite'::regclass
            and pg_depend.objid = pg_rewrite.oid
    where
        pg_depend.refclassid = 'pg_class'::regclass
        and pg_depend.refobjid = to_regclass(%(view)s)
        and pg_depend.deptype = 'n'
        and coalesce(pg_rewrite.ev_class, 0) <> pg_depend.refobjid

),

final as (

    select dependent from objects

)

select * from final
order by dependent
