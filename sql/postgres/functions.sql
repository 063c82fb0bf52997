-- functions: the functions of one schema, without those of extensions.
--
-- A body is told apart by its words, not by case or line breaks. Any uuid_generate_v4() will do, whoever wrote it.
--
-- +++
-- grain = "one row per function"
-- inputs = ["pg_proc", "pg_language", "pg_depend"]
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
        classid = 'pg_proc'::regclass
        and deptype = 'e'

),

final as (

    select
        'function' as kind,
        '' as relation,
        '{}'::name[] as columns,
        pg_proc.proname || '(' || pg_get_function_identity_arguments(pg_proc.oid) || ')' as name,
        'returns ' || format_type(pg_proc.prorettype, null)
        || case
            when pg_proc.proname = 'uuid_generate_v4' then ''
            else
                ' language ' || pg_language.lanname
                || ' as ' || btrim(regexp_replace(lower(pg_proc.prosrc), '\s+', ' ', 'g'))
        end as definition
    from pg_proc
    inner join pg_language
        on pg_proc.prolang = pg_language.oid
    where
        pg_proc.pronamespace = to_regnamespace(quote_ident(%(schema)s))
        and pg_proc.oid not in (select extension_members.objid from extension_members)

)

select * from final
order by name
