-- attributed_deals: deals that count for an agent, because a party of theirs is an active recruit.
--
-- Once per agent and deal, also where both parties are recruits; also deals from before the recruitment. A window that
-- ends before the recruitment does not hold the deal.
--
-- +++
-- topic = "agents"
-- grain = "one row per agent and deal"
-- inputs = ["raw.deals", "raw.referrals"]
-- key = ["agent_id", "deal_id"]
-- unit = { id = "deal_id" }
-- row = { deals = "deal_id" }
-- time = "created_at"
-- known = "recruited_at"
-- links = { agent = "agent_id", brand = "sponsor_id", influencer = "influencer_id", gig = "gig_id" }
--
-- [stands_on]
-- referrals = ["influencer_id = recruited_user_id", "sponsor_id = recruited_user_id"]
--
-- [columns]
-- agent_id = "the recruiter"
-- deal_id = "the deal"
-- created_at = ["time", "it was struck"]
-- status = "at extraction"
-- recruited_at = ["time", "the earliest recruitment it counts by, null where one has no time"]
-- amount = ["usd", "agreed"]
-- sponsor_id = "who pays"
-- influencer_id = "who works"
-- gig_id = "for what"
--
-- [measures]
-- attributed_deals = ["deals", "count(*)", "deals of recruits, each once per agent"]
-- attributed_amount = ["usd", "sum(amount)", "what was agreed in the deals of recruits"]
-- +++

with

-- A user who is both parties is there twice, which no minimum minds.
parties as (

    select
        id,
        influencer_id as user_id
    from raw.deals
    where created_at < $as_of

    union all

    select
        id,
        sponsor_id as user_id
    from raw.deals
    where created_at < $as_of

),

attributions as (

    select
        referrals.agent_id,
        parties.id as deal_id,
        case when count(*) = count(referrals.recruited_at) then min(referrals.recruited_at) end as recruited_at
    from parties
    inner join raw.referrals as referrals
        on parties.user_id = referrals.recruited_user_id
    where
        referrals.is_active
        and (referrals.recruited_at < $as_of or referrals.recruited_at is null)
    group by referrals.agent_id, parties.id

)

select
    attributions.agent_id,
    attributions.deal_id,
    deals.created_at,
    deals.status,
    attributions.recruited_at,
    deals.amount,
    deals.sponsor_id,
    deals.influencer_id,
    deals.gig_id
from attributions
inner join raw.deals as deals
    on attributions.deal_id = deals.id
