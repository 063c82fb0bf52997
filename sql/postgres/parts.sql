-- parts: the tables below an operational one that hold rows of it: its partitions, or what inherits from it.
--
-- Runs inside the extraction's snapshot. A partition that is being detached is none any more.
--
-- +++
-- grain = "one row per operational table and part with rows of its own; the table itself is not listed"
-- inputs = ["pg_inherits", "pg_class", "pg_namespace", "pg_am", "pg_attribute"]
-- units = "file is the number of the file that holds the rows; shape tells the columns and where they lie"
-- order = "root_name, part_oid"
-- +++

with recursive

below as (

    select
        pg_class.relname as root_name,
        pg_inherits.inhrelid as part
    from pg_inherits
    inner join pg_class
        on pg_inherits.inhparent = pg_class.oid
    inner join pg_namespace
        on pg_class.relnamespace = pg_namespace.oid
    where
        pg_namespace.nspname = 'public'
        and pg_class.relkind in ('r', 'p')
        and not pg_inherits.inhdetachpending

    union

    select
        below.root_name,
        pg_inherits.inhrelid as part
    from below
    inner join pg_inherits
        on below.part = pg_inherits.inhparent
    where not pg_inherits.inhdetachpending

)

select
    below.root_name::text as root_name,
    below.part::bigint as part_oid,
    pg_class.relfilenode::bigint as file,
    pg_class.relkind::text as part_kind,
    coalesce(pg_am.amname::text, '') as access_method,
    (
        select
            md5(
                string_agg(
                    concat_ws(
                        ' ',
                        pg_attribute.attnum,
                        pg_attribute.attname,
                        format_type(pg_attribute.atttypid, pg_attribute.atttypmod)
                    ),
                    ',' order by pg_attribute.attnum
                )
            )
        from pg_attribute
        where
            pg_attribute.attrelid = below.part
            and pg_attribute.attnum > 0
            and not pg_attribute.attisdropped
    ) as shape
from below
inner join pg_class
    on below.part = pg_class.oid
left join pg_am
    on pg_class.relam = pg_am.oid
where pg_class.relkind <> 'p'
order by root_name, part_oid
