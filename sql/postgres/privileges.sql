-- privileges: who may do what with a view, and with which of its columns.
--
-- +++
-- grain = "one row per grantee, privilege and column; column null for the whole view"
-- inputs = ["pg_class", "pg_attribute"]
-- order = "grantee, privilege, column"
--
-- [params]
-- view = "schema and name of the view, each quoted"
-- +++

with

granted as (

    select
        pg_class.relowner,
        entry.grantee,
        entry.privilege_type,
        entry.is_grantable,
        null::name as column_name
    from pg_class
    cross join lateral aclexplode(pg_class.relacl) as entry
    where pg_class.oid = to_regclass(%(view)s)

    union all

    select
        pg_class.relowner,
        entry.grantee,
        entry.privilege_type,
        entry.is_grantable,
        pg_attribute.attname as column_name
    from pg_attribute
    inner join pg_class
        on pg_attribute.attrelid = pg_class.oid
    cross join lateral aclexplode(pg_attribute.attacl) as entry
    where pg_class.oid = to_regclass(%(view)s)

),

final as (

    select
        privilege_type as privilege,
        column_name,
        is_grantable,
        case when grantee <> 0 then pg_get_userbyid(grantee) end as grantee
    from granted
    where grantee <> relowner

)

select * from final
order by grantee, privilege, column_name
