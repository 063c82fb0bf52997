-- marketplace_activity: deals, money and who was active in one window: a month of marketplace_monthly of any length.
--
-- Each column is that of marketplace_monthly; completions count by completed_at, so a completed deal without one
-- counts in no window. Amounts of deals are in usd: gmv and take_rate are null under another reporting currency.
--
-- +++
-- grain = "one row per window: there is one"
-- inputs = ["raw.deals", "raw.transactions"]
-- units = """
-- gmv in usd; platform_revenue, agent_payouts, net_revenue and refunds in the reporting currency; take_rate a
-- ratio"""
-- order = "new_deals"
-- +++

with

new_deals as (

    select
        count(*) as new_deals,
        count(distinct sponsor_id) as active_sponsors,
        count(distinct influencer_id) as active_influencers
    from raw.deals
    where
        ($since is null or created_at >= cast($since as timestamptz))
        and created_at < cast($until as timestamptz)

),

completed_deals as (

    select
        count(*) as completed_deals,
        cast(coalesce(sum(amount), 0) as decimal(38, 2)) as gmv
    from raw.deals
    where
        status = 'completed'
        and created_at < cast($as_of as timestamptz)
        and ($since is null or completed_at >= cast($since as timestamptz))
        and completed_at < cast($until as timestamptz)

),

money as (

    select
        cast(
            coalesce(sum(case when type = 'commission_deduct' then amount end), 0) as decimal(38, 2)
        ) as platform_revenue,
        cast(
            coalesce(sum(case when type = 'agent_commission' then amount end), 0) as decimal(38, 2)
        ) as agent_payouts,
        cast(coalesce(sum(case when type = 'refund' then amount end), 0) as decimal(38, 2)) as refunds
    from raw.transactions
    where
        type in ('commission_deduct', 'agent_commission', 'refund')
        and status = 'completed'
        and coalesce(lower(trim(currency, ' ')), 'usd') = $currency
        and ($since is null or created_at >= cast($since as timestamptz))
        and created_at < cast($until as timestamptz)

),

measured as (

    select
        new_deals.*,
        completed_deals.completed_deals,
        money.platform_revenue,
        money.agent_payouts,
        money.refunds,
        case when $currency = 'usd' then completed_deals.gmv end as gmv_in_usd,
        cast(money.platform_revenue * 100 as hugeint) as revenue_cents,
        cast(case when $currency = 'usd' then nullif(completed_deals.gmv, 0) end * 100 as hugeint) as volume_cents
    from new_deals
    cross join completed_deals
    cross join money

),

final as (

    select
        new_deals,
        completed_deals,
        gmv_in_usd as gmv,
        active_sponsors,
        active_influencers,
        platform_revenue,
        agent_payouts,
        cast(platform_revenue - agent_payouts as decimal(38, 2)) as net_revenue,
        cast(
            sign(revenue_cents) * sign(volume_cents)
            * ((2 * 1000000 * abs(revenue_cents) + abs(volume_cents)) // (2 * abs(volume_cents))) as decimal(38, 0)
        ) * 0.000001 as take_rate,
        refunds
    from measured

)

select * from final
order by new_deals
