-- brand_attributes: the row that says who a sponsor is.
--
-- +++
-- grain = "one row per sponsor asked for; for the company none where the sponsor has no profile"
-- explains = ["brand_reputations.sponsor_id", "brand_reputations.company"]
-- how = "value of the row"
-- empty = "null"
-- inputs = ["raw.sponsor_profiles", "raw.users"]
-- units = "value as text, as it stands in source_column of source_table"
-- order = "id"
--
-- [params]
-- key = "id of the sponsor"
-- column = "the column explained"
-- +++

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
