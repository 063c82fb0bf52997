-- publications: the publication si_realtime and the tables of one schema that it carries.
--
-- Dialect  postgres
-- Grain    one row for the publication, one more per table
-- Inputs   pg_publication, pg_publication_tables
-- Params   %(schema)s  name of the schema
-- Order    kind, name

with

final as (

    select
        'publication' as kind,
        '' as relation,
        pubname as name,
        concat_ws(
            ', ',
            case when pubinsert then 'insert' end,
            case when pubupdate then 'update' end,
            case when pubdelete then 'delete' end,
            case when pubtruncate then 'truncate' end
        ) as definition,
        '{}'::name[] as columns
    from pg_publication
    where pubname = 'si_realtime'

    union all

    select
        'published table' as kind,
        tablename as relation,
        pubname as name,
        '' as definition,
        '{}'::name[] as columns
    from pg_publication_tables
    where
        pubname = 'si_realtime'
        and schemaname = %(schema)s

)

select * from final
order by kind, relation, name
