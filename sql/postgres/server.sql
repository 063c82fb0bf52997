-- server: the server as this session finds it, and what a realtime service needs of it.
--
-- +++
-- grain = "one row"
-- inputs = ["pg_stat_ssl", "pg_publication", "pg_replication_slots", "pg_settings", "pg_database"]
-- units = """
-- clock as the server has it at this moment; slot_limit in MB, -1 without limit; limits the times after which
-- the server ends what this role does"""
-- order = "one row"
-- +++

with

encrypted as (

    select max(pg_stat_ssl.version) as encryption
    from pg_stat_ssl
    where pg_stat_ssl.pid = pg_backend_pid()

),

publications as (

    select count(*) > 0 as has_publication
    from pg_publication
    where pg_publication.pubname = 'si_realtime'

),

slots as (

    select count(*) as slots
    from pg_replication_slots
    where
        pg_replication_slots.slot_type = 'logical'
        and pg_replication_slots.database = current_database()

),

configured as (

    select
        max(pg_settings.reset_val) filter (where pg_settings.name = 'TimeZone') as time_zone,
        max(cast(pg_settings.setting as bigint)) filter (where pg_settings.name = 'max_slot_wal_keep_size')
            as slot_limit,
        string_agg(concat(pg_settings.name, ' = ', current_setting(pg_settings.name)), ', ' order by pg_settings.name)
        filter (where pg_settings.unit = 'ms' and pg_settings.setting <> '0') as limits
    from pg_settings
    where
        pg_settings.name in (
            'TimeZone',
            'max_slot_wal_keep_size',
            'idle_session_timeout',
            'lock_timeout',
            'statement_timeout',
            'transaction_timeout',
            'idle_in_transaction_session_timeout'
        )

),

final as (

    select
        cast(current_user as text) as connected_user,
        current_setting('server_version') as server_version,
        cast(current_setting('server_version_num') as integer) as version_number,
        cast(pg_encoding_to_char(pg_database.encoding) as text) as encoding,
        configured.time_zone,
        clock_timestamp() as clock,
        coalesce(encrypted.encryption, '') as encryption,
        current_setting('wal_level') as wal_level,
        publications.has_publication,
        slots.slots,
        configured.slot_limit,
        coalesce(configured.limits, '') as limits
    from pg_database
    cross join encrypted
    cross join publications
    cross join slots
    cross join configured
    where pg_database.datname = current_database()

)

select * from final
