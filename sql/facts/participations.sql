-- participations: who took part in a deal.
--
-- +++
-- topic = "people"
-- grain = "one row per deal and party"
-- inputs = "raw.deals"
-- key = ["deal_id", "user_id"]
-- row = { deals = "deal_id" }
-- time = "created_at"
-- links = { user = "user_id" }
--
-- [columns]
-- deal_id = "the deal"
-- user_id = "the influencer or the sponsor"
-- created_at = ["time", "it was struck"]
--
-- [measures]
-- active_users = ["users", "count(distinct user_id)", "distinct parties of deals"]
-- +++

select
    id as deal_id,
    influencer_id as user_id,
    created_at
from raw.deals
where created_at < $as_of

union all

select
    id as deal_id,
    sponsor_id as user_id,
    created_at
from raw.deals
where
    created_at < $as_of
    and sponsor_id is distinct from influencer_id
