-- constraints: the keys and checks of the tables of one schema.
--
-- +++
-- grain = "one row per primary key, unique, foreign key, check or exclusion constraint"
-- inputs = ["pg_constraint", "pg_class", "pg_attribute"]
-- order = "relation, name"
--
-- [params]
-- schema = "name of the schema"
-- +++

with

final as (

    select
        pg_class.relname as relation,
        pg_constraint.conname as name,
        case pg_constraint.contype
            when 'p' then 'primary key'
            when 'u' then 'unique'
            when 'f' then 'foreign key'
            when 'c' then 'check'
            else 'exclusion'
        end as kind,
        pg_get_constraintdef(pg_constraint.oid) as definition,
        array(
            select pg_attribute.attname
            from unnest(pg_constraint.conkey) with ordinality as key (attnum, position)
            inner join pg_attribute
                on
                    pg_constraint.conrelid = pg_attribute.attrelid
                    and key.attnum = pg_attribute.attnum
            order by key.position
        ) as columns
    from pg_constraint
    inner join pg_class
        on pg_constraint.conrelid = pg_class.oid
    where
        pg_class.relnamespace = to_regnamespace(quote_ident(%(schema)s))
        and pg_constraint.contype in ('p', 'u', 'f', 'c', 'x')

)

select * from final
order by relation, name
