-- brand_deals: the deals of a sponsor, whatever their status.
--
-- +++
-- grain = "one row per deal"
-- explains = "brand_reputations.total_deals"
-- how = "number of rows"
-- inputs = "raw.deals"
-- units = "amount in usd"
-- order = "created_at, deal_id"
--
-- [params]
-- key = "id of the sponsor"
-- +++

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
