-- brand_attributes: the row that says who a sponsor is.
--
-- Dialect   duckdb
-- Grain     one row per sponsor asked for; for the company none where the sponsor has no profile
-- Explains  brand_reputations.sponsor_id, brand_reputations.company
-- How       value of the row
-- Empty     null
-- Inputs    raw.sponsor_profiles, raw.users
-- Params    $key  id of the sponsor · $column  the column explained
-- Units     value as text, as it stands in source_column of source_table
-- Order     id

with

rows_of_sponsors as (

    select
        'sponsor_id' as explained_column,
        'users' as source_table,
        'id' as source_column,
        id,
        cast(id as varchar) as value
    from raw.users
    where role = 'sponsor'

    union all

    select
        'company' as explained_column,
        'sponsor_profiles' as source_table,
        'company' as source_column,
        user_id as id,
        company as value
    from raw.sponsor_profiles

),

final as (

    select
        id,
        source_table,
        source_column,
        value
    from rows_of_sponsors
    where
        id = cast($key as uuid)
        and explained_column = $column

)

select * from final
order by id
