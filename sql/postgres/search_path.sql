-- search_path: look names up in one schema, then where uuid-ossp is installed, until the transaction ends.
--
-- +++
-- grain = "one row: the path set"
-- inputs = ["pg_extension", "pg_namespace"]
-- order = "none"
--
-- [params]
-- schema = "name of the schema"
-- +++

with

extension as (

    select quote_ident(pg_namespace.nspname) as schema_name
    from pg_extension
    inner join pg_namespace
        on pg_extension.extnamespace = pg_namespace.oid
    where pg_extension.extname = 'uuid-ossp'

),

final as (

    select
        set_config(
            'search_path',
            concat_ws(', ', quote_ident(%(schema)s), (select schema_name from extension)),
            true
        ) as search_path

)

select * from final
