-- reading: what a transaction that reads is set to, until it ends.
--
-- Names are looked up in pg_catalog alone. A policy that hides rows from this role is an error, never a smaller number.
--
-- +++
-- grain = "one row"
-- inputs = "none"
-- order = "one row"
-- +++

with

final as (

    select
        set_config('search_path', 'pg_catalog', true) as search_path,
        set_config('TimeZone', 'UTC', true) as time_zone,
        set_config('row_security', 'off', true) as row_security

)

select * from final
