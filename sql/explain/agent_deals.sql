-- agent_deals: the deals that count for an agent, and through which of their parties.
--
-- +++
-- grain = "one row per deal; once also where both parties are recruits"
-- explains = ["agent_leaderboard.total_deals", "agent_performance_metrics.total_deals"]
-- how = "number of rows"
-- inputs = ["raw.deals", "raw.referrals"]
-- units = "amount in usd"
-- order = "created_at, deal_id"
--
-- [params]
-- key = "id of the agent"
-- +++

with

active_recruits as (

    select distinct recruited_user_id as user_id
    from raw.referrals
    where
        agent_id = cast($key as uuid)
        and is_active
        and (recruited_at < $until or recruited_at is null)

),

final as (

    select
        deals.id as deal_id,
        deals.created_at,
        deals.status,
        deals.amount,
        deals.influencer_id,
        influencers.user_id is not null as influencer_is_recruit,
        deals.sponsor_id,
        sponsors.user_id is not null as sponsor_is_recruit
    from raw.deals as deals
    left join active_recruits as influencers
        on deals.influencer_id = influencers.user_id
    left join active_recruits as sponsors
        on deals.sponsor_id = sponsors.user_id
    where
        (influencers.user_id is not null or sponsors.user_id is not null)
        and ($since is null or deals.created_at >= $since)
        and deals.created_at < $until

)

select * from final
order by created_at, deal_id
