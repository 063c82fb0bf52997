-- deals: what was struck, whatever became of it.
--
-- +++
-- topic = "marketplace"
-- grain = "one row per deal"
-- inputs = "raw.deals"
-- key = "deal_id"
-- row = { deals = "deal_id" }
-- time = "created_at"
-- links = { brand = "sponsor_id", influencer = "influencer_id", gig = "gig_id" }
--
-- [columns]
-- deal_id = "the deal"
-- created_at = ["time", "it was struck"]
-- status = "at extraction"
-- amount = ["usd", "agreed"]
-- sponsor_id = "who pays"
-- influencer_id = "who works"
-- gig_id = "for what"
--
-- [measures]
-- deals = ["deals", "count(*)", "deals struck, of any status"]
-- deal_amount = ["usd", "sum(amount)", "what was agreed in deals"]
-- mean_deal = ["usd", "mean(amount)", "what was agreed in a deal, on average"]
-- median_deal = ["usd", "percentile(0.5, amount)", "half of the deals are of more than this"]
-- active_sponsors = ["users", "count(distinct sponsor_id)", "brands that struck a deal, each once"]
-- active_influencers = ["users", "count(distinct influencer_id)", "influencers who struck a deal, each once"]
-- +++

select
    id as deal_id,
    created_at,
    status,
    amount,
    sponsor_id,
    influencer_id,
    gig_id
from raw.deals
where created_at < $as_of
