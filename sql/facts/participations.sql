-- participations: who took part in a deal.
--
-- +++
-- topic = "people"
-- grain = "one row per deal and party"
-- inputs = ["raw.deals", "raw.users"]
-- key = ["deal_id", "user_id"]
-- unit = { id = "deal_id" }
-- row = { deals = "deal_id" }
-- time = "created_at"
-- links = { user = "user_id" }
--
-- [stands_on]
-- users = ["influencer_id = id", "sponsor_id = id"]
--
-- [columns]
-- deal_id = "the deal"
-- user_id = "the influencer or the sponsor"
-- created_at = ["time", "it was struck"]
-- has_joined = "whether the user signed up before as_of, as some did only after their deal"
--
-- [measures]
-- active_users = ["users", "count(distinct user_id)", "users who are party to a deal, each once"]
-- +++

with

parties as (

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

)

select
    parties.deal_id,
    parties.user_id,
    parties.created_at,
    coalesce(users.created_at < $as_of, false) as has_joined
from parties
left join raw.users as users
    on parties.user_id = users.id
