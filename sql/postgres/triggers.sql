-- triggers: the triggers on the tables of one schema; a disabled one says so in its definition.
--
-- +++
-- grain = "one row per trigger"
-- inputs = ["pg_trigger", "pg_class"]
-- order = "relation, name"
--
-- [params]
-- schema = "name of the schema"
-- +++

with

final as (

    select
        'trigger' as kind,
        pg_class.relname as relation,
        pg_trigger.tgname as name,
        '{}'::name[] as columns,
        pg_get_triggerdef(pg_trigger.oid, true)
        || case when pg_trigger.tgenabled = 'D' then ' (disabled)' else '' end as definition
    from pg_trigger
    inner join pg_class
        on pg_trigger.tgrelid = pg_class.oid
    where
        pg_class.relnamespace = to_regnamespace(quote_ident(%(schema)s))
        and not pg_trigger.tgisinternal

)

select * from final
order by relation, name
