-- watchful: have the server notice, until the transaction ends, where whoever asked it is gone.
--
-- What the server, the database or the role has set for that stands; systems other than Linux cannot look at a client.
--
-- +++
-- grain = "one row per setting that was made"
-- inputs = "pg_settings"
-- order = "setting_name"
-- +++

with

wanted as (

    select
        ours.setting_name,
        ours.setting
    from (
        values
        ('client_connection_check_interval', '1s'),
        ('tcp_keepalives_idle', '20s'),
        ('tcp_keepalives_interval', '10s'),
        ('tcp_keepalives_count', '4'),
        ('tcp_user_timeout', '60s')
    ) as ours (setting_name, setting)

),

final as (

    select
        wanted.setting_name,
        set_config(wanted.setting_name, wanted.setting, true) as setting
    from wanted
    inner join pg_settings
        on wanted.setting_name = pg_settings.name
    where
        pg_settings.source = 'default'
        and (starts_with(wanted.setting_name, 'tcp') or strpos(version(), 'linux') > 0)

)

select * from final
order by setting_name
