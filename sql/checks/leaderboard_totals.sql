-- leaderboard_totals: a figure of an agent on the leaderboard is not the total of the rows behind it.
--
-- Each figure is computed anew, another way than the leaderboard does: deals are those of recruited influencers,
-- plus those of recruited sponsors, less those in which the agent recruited both. A join that multiplies rows
-- shows here.
--
-- +++
-- grain = "one row per agent and figure that differs"
-- severity = "blocking"
-- inputs = ["raw.deals", "raw.referrals", "raw.transactions", "metrics.agent_leaderboard"]
-- units = "total_earnings in the reporting currency"
-- order = "agent_id, column_name"
-- remedy = "The leaderboard is computed wrongly: report it, with the version of si_analytics"
-- +++

with

recruits as (

    select distinct agent_id, recruited_user_id as user_id
    from raw.referrals
    where
        is_active
        and (recruited_at is null or recruited_at < $as_of)

),

deals as (

    select influencer_id, sponsor_id
    from raw.deals
    where created_at < $as_of

),

parts as (

    select agent_id, 'total_referrals' as column_name, count(*) as part
    from recruits
    group by agent_id

    union all

    select recruits.agent_id, 'total_deals' as column_name, count(*) as part
    from deals
    inner join recruits
        on deals.influencer_id = recruits.user_id
    group by recruits.agent_id

    union all

    select recruits.agent_id, 'total_deals' as column_name, count(*) as part
    from deals
    inner join recruits
        on deals.sponsor_id = recruits.user_id
    group by recruits.agent_id

    union all

    select influencers.agent_id, 'total_deals' as column_name, -count(*) as part
    from deals
    inner join recruits as influencers
        on deals.influencer_id = influencers.user_id
    inner join recruits as sponsors
        on
            deals.sponsor_id = sponsors.user_id
            and influencers.agent_id = sponsors.agent_id
    group by influencers.agent_id

    union all

    select to_user_id as agent_id, 'total_earnings' as column_name, sum(amount) as part
    from raw.transactions
    where
        type = 'agent_commission'
        and status = 'completed'
        and created_at < $as_of
        and coalesce(lower(trim(currency, ' ')), 'usd') = $currency
    group by to_user_id

),

counted as (

    select agent_id, column_name, sum(part) as total
    from parts
    group by agent_id, column_name

),

shown as (

    select agent_id, column_name, total
    from metrics.agent_leaderboard
    unpivot include nulls (total for column_name in (total_referrals, total_deals, total_earnings))

),

final as (

    select shown.agent_id, shown.column_name, shown.total as shown, coalesce(counted.total, 0) as counted
    from shown
    left join counted
        on
            shown.agent_id = counted.agent_id
            and shown.column_name = counted.column_name
    where shown.total is distinct from coalesce(counted.total, 0)

)

select * from final
order by agent_id, column_name
