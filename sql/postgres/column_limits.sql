-- column_limits: the largest number that each column of a table holds, on either side of zero.
--
-- As the table stands, whatever it was declared as. What has no limit is left out.
--
-- +++
-- grain = "one row per column of whole or decimal numbers: its name, the first number that is too large for it"
-- inputs = ["pg_attribute", "pg_class", "pg_namespace"]
-- order = "attname"
--
-- [params]
-- schema = "schema of the table"
-- table = "its name"
-- +++

with

columns as (

    select
        pg_attribute.attname,
        format_type(pg_attribute.atttypid, null) as kind,
        -- Of numeric(10, 2) the 10 and the 2; of numeric without them nothing.
        (nullif(pg_attribute.atttypmod, -1) - 4) >> 16 & 65535 as digits,
        (nullif(pg_attribute.atttypmod, -1) - 4) & 65535 as decimals
    from pg_attribute
    inner join pg_class
        on pg_attribute.attrelid = pg_class.oid
    inner join pg_namespace
        on pg_class.relnamespace = pg_namespace.oid
    where
        pg_namespace.nspname = %(schema)s
        and pg_class.relname = %(table)s
        and pg_attribute.attnum > 0
        and not pg_attribute.attisdropped

),

final as (

    select
        attname,
        case kind
            when 'smallint' then 32768
            when 'integer' then 2147483648
            when 'numeric' then power(cast(10 as numeric), digits - decimals)
        end as too_large
    from columns
    where kind in ('smallint', 'integer') or (kind = 'numeric' and digits is not null)

)

select * from final
order by attname
