-- brand_rank: the sponsors at a sponsor's rank or above, by what decides the rank; none where it is unrated.
--
-- +++
-- grain = "one row per sponsor ranked at or above the one asked for"
-- explains = "brand_reputations.rank"
-- how = "number of rows"
-- empty = "null"
-- inputs = "metrics.brand_reputations"
-- units = "reputation_score in stars, as published"
-- order = "rank"
--
-- [params]
-- key = "id of the sponsor"
-- +++

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
