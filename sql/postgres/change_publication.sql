-- change_publication: of which tables the publication tells changes, and of which columns.
--
-- Its identity is another one after every change of the publication or of what belongs to it, also where it was changed
-- back: each writes a row of the catalogs anew. The columns of a table are known from PostgreSQL 15 on.
--
-- +++
-- grain = "one row per published table; one with table nulls for a publication without tables; none without it"
-- inputs = ["pg_publication", "pg_publication_rel", "pg_publication_tables", "pg_class", "pg_namespace"]
-- units = "is_whole: inserts, updates, deletes and truncations are told, of every row"
-- order = "table_oid"
--
-- [params]
-- publication = "the name of the publication"
-- +++

with

asked as (

    select
        pg_publication.oid as publication_oid,
        pg_publication.pubname,
        pg_publication.pubinsert
        and pg_publication.pubupdate
        and pg_publication.pubdelete
        and pg_publication.pubtruncate as tells_all,
        md5(concat_ws(
            ' ',
            pg_publication.oid,
            pg_publication.xmin,
            (
                select string_agg(concat_ws(':', members.oid, members.xmin), ',' order by members.oid)
                from pg_publication_rel as members
                where members.prpubid = pg_publication.oid
            )
        )) as identity
    from pg_publication
    where pg_publication.pubname = %(publication)s

),

listed as (

    select
        asked.publication_oid,
        pg_class.oid::bigint as table_oid,
        to_jsonb(pg_publication_tables) as told
    from asked
    inner join pg_publication_tables
        on asked.pubname = pg_publication_tables.pubname
    inner join pg_namespace
        on pg_publication_tables.schemaname = pg_namespace.nspname
    inner join pg_class
        on
            pg_namespace.oid = pg_class.relnamespace
            and pg_publication_tables.tablename = pg_class.relname

),

final as (

    select
        asked.identity,
        listed.table_oid,
        asked.tells_all and listed.told ->> 'rowfilter' is null as is_whole,
        case
            when listed.told ? 'attnames' then array(select jsonb_array_elements_text(listed.told -> 'attnames'))
        end as column_names
    from asked
    left join listed
        on asked.publication_oid = listed.publication_oid

)

select * from final
order by table_oid
