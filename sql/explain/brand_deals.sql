-- brand_deals: the deals of a sponsor, whatever their status.
--
-- Dialect   duckdb
-- Grain     one row per deal
-- Explains  brand_reputations.total_deals
-- How       number of rows
-- Inputs    raw.deals
-- Params    $key  id of the sponsor · $as_of  timestamptz, exclusive
-- Units     amount in usd
-- Order     created_at, deal_id

with

final as (

    select
        id as deal_id,
        created_at,
        completed_at,
        status,
        amount,
        gig_id,
        influencer_id
    from raw.deals
    where
        sponsor_id = cast($key as uuid)
        and created_at < $as_of

)

select * from final
order by created_at, deal_id
