-- foreign_keys: which of the given tables of `public` refers to which other.
--
-- A table that refers to itself is not in its own way: keys are checked when a statement ends.
--
-- +++
-- grain = "one row per two tables"
-- inputs = ["pg_constraint", "pg_class"]
-- order = "child, parent"
--
-- [params]
-- tables = "names of the tables"
-- +++

with

final as (

    select distinct
        children.relname as child,
        parents.relname as parent
    from pg_constraint
    inner join pg_class as children
        on pg_constraint.conrelid = children.oid
    inner join pg_class as parents
        on pg_constraint.confrelid = parents.oid
    where
        pg_constraint.contype = 'f'
        and pg_constraint.connamespace = to_regnamespace(quote_ident('public'))
        and children.oid <> parents.oid
        and children.relname = any(%(tables)s)
        and parents.relname = any(%(tables)s)

)

select * from final
order by child, parent
