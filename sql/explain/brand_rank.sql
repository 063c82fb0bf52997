-- brand_rank: the sponsors at a sponsor's rank or above, by what decides the rank; none where it is unrated.
--
-- Dialect   duckdb
-- Grain     one row per sponsor ranked at or above the one asked for
-- Explains  brand_reputations.rank
-- How       number of rows
-- Empty     null
-- Inputs    metrics.brand_reputations
-- Params    $key  id of the sponsor
-- Units     reputation_score in stars, as published
-- Order     rank

with

final as (

    select
        brands.rank,
        brands.sponsor_id,
        brands.reputation_score,
        brands.review_count,
        brands.total_deals
    from metrics.brand_reputations as brands
    inner join metrics.brand_reputations as asked
        on brands.rank <= asked.rank
    where asked.sponsor_id = cast($key as uuid)

)

select * from final
order by rank
