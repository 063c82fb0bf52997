-- publications: the publication si_realtime and the tables of one schema that it carries.
--
-- +++
-- grain = "one row for the publication, one more per table"
-- inputs = ["pg_publication", "pg_publication_tables", "pg_publication_rel", "pg_class", "pg_namespace"]
-- order = "kind, name"
--
-- [params]
-- schema = "name of the schema"
-- +++

with

-- A partitioned table that is published is listed by its partitions: it is meant itself.
published_tables as (

    select distinct
        pg_publication.pubname as name,
        pg_namespace.nspname as schema_name,
        named.relname as relation
    from pg_publication_tables
    inner join pg_publication
        on pg_publication_tables.pubname = pg_publication.pubname
    inner join pg_namespace as schemas
        on pg_publication_tables.schemaname = schemas.nspname
    inner join pg_class as listed
        on
            schemas.oid = listed.relnamespace
            and pg_publication_tables.tablename = listed.relname
    left join pg_publication_rel
        on
            pg_publication.oid = pg_publication_rel.prpubid
            and pg_publication_rel.prrelid in (select pg_partition_ancestors(listed.oid))
    inner join pg_class as named
        on coalesce(pg_publication_rel.prrelid, listed.oid) = named.oid
    inner join pg_namespace
        on named.relnamespace = pg_namespace.oid
    where pg_publication_tables.pubname = 'si_realtime'

),

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
        relation,
        name,
        '' as definition,
        '{}'::name[] as columns
    from published_tables
    where schema_name = %(schema)s

)

select * from final
order by kind, relation, name
