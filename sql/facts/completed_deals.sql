-- completed_deals: deals that came to their end, at the time they did.
--
-- +++
-- topic = "marketplace"
-- grain = "one row per deal with status completed and a time of completion"
-- inputs = "raw.deals"
-- key = "deal_id"
-- row = { deals = "deal_id" }
-- time = "completed_at"
-- links = { brand = "sponsor_id", influencer = "influencer_id", gig = "gig_id" }
--
-- [columns]
-- deal_id = "the deal"
-- completed_at = ["time", "it was completed"]
-- created_at = ["time", "it was struck"]
-- amount = ["usd", "agreed"]
-- sponsor_id = "who paid"
-- influencer_id = "who worked"
-- gig_id = "for what"
--
-- [measures]
-- completed_deals = ["deals", "count(*)", "deals of status completed, by when they were"]
-- gmv = ["usd", "sum(amount)", "what was agreed in completed deals"]
-- +++

select
    id as deal_id,
    completed_at,
    created_at,
    amount,
    sponsor_id,
    influencer_id,
    gig_id
from raw.deals
where
    status = 'completed'
    and created_at < $as_of
    and completed_at < $as_of
