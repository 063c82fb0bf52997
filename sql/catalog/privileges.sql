-- privileges: who may do what with a view, and with which of its columns.
--
-- Dialect  postgres
-- Grain    one row per grantee, privilege and column; column null for the whole view
-- Inputs   pg_class, pg_attribute
-- Params   %(view)s  name of the view, found on the search path
-- Order    grantee, privilege, column

with

granted as (

    select relowner, (aclexplode(relacl)).*, null::name as column_name
    from pg_class
    where oid = to_regclass(quote_ident(%(view)s))

    union all

    select pg_class.relowner, (aclexplode(pg_attribute.attacl)).*, pg_attribute.attname as column_name
    from pg_attribute
    inner join pg_class
        on pg_attribute.attrelid = pg_class.oid
    where pg_class.oid = to_regclass(quote_ident(%(view)s))

),

final as (

    select
        case when grantee = 0 then null else pg_get_userbyid(grantee) end as grantee,
        privilege_type as privilege,
        column_name,
        is_grantable
    from granted
    where grantee <> relowner

)

select * from final
order by grantee, privilege, column_name
