-- marketplace_monthly: deals, money and who was active, month by month.
--
-- A month is that of the reporting time zone; from the first month with any of the activity below to that of
-- the last moment before as_of, months without are filled with zeros, so that a marketplace that stopped is
-- seen to have stopped; months before 2000-01 are left out (a check lists their rows).
-- Amounts of deals are in usd: gmv and take_rate are null under another reporting currency.
--
-- +++
-- topic = "marketplace"
-- grain = "one row per month, none where there was never any activity"
-- inputs = ["raw.deals", "raw.transactions", "local_offsets"]
-- money = ["gmv", "platform_revenue", "agent_payouts", "refunds", "net_revenue"]
-- order = "month"
--
-- [params]
-- as_of = "timestamptz, exclusive"
-- last_day = "date, that of the last moment before as_of"
-- currency = "text"
-- tz = "IANA time zone of the months"
-- slice = "microseconds in a slice of local_offsets"
--
-- [columns]
-- month = ["date", "first day of the month"]
-- new_deals = ["deals", "deals created in the month"]
-- completed_deals = ["deals", "deals with status completed, by completed_at; one without that time is in no month"]
-- gmv = ["usd", "sum of the amounts of those; null under another reporting currency"]
-- active_sponsors = ["users", "distinct sponsors of the new deals"]
-- active_influencers = ["users", "distinct influencers of the new deals"]
-- platform_revenue = ["reporting currency", "completed transactions of type commission_deduct"]
-- agent_payouts = ["reporting currency", "completed transactions of type agent_commission, to whomever"]
-- net_revenue = ["reporting currency", "platform_revenue minus agent_payouts"]
-- take_rate = ["ratio", "platform_revenue / gmv, null where gmv is 0 or null"]
-- refunds = ["reporting currency", "completed transactions of type refund"]
-- +++

with

local_deals as (

    select
        deals.*,
        make_timestamp(epoch_us(deals.created_at) + created_offsets.ahead) as created_local,
        make_timestamp(epoch_us(deals.completed_at) + completed_offsets.ahead) as completed_local
    from raw.deals as deals
    inner join local_offsets as created_offsets
        on
            created_offsets.zone = $tz
            and greatest(epoch_us(deals.created_at) // $slice, 0) = created_offsets.slice
            and deals.created_at >= created_offsets.begins_at
            and deals.created_at < created_offsets.ends_at
    left join local_offsets as completed_offsets
        on
            completed_offsets.zone = $tz
            and greatest(epoch_us(deals.completed_at) // $slice, 0) = completed_offsets.slice
            and deals.completed_at >= completed_offsets.begins_at
            and deals.completed_at < completed_offsets.ends_at

),

deals as (

    select
        *,
        extract(year from created_local) * 12 + extract(month from created_local) - 1 as created_month,
        extract(year from completed_local) * 12 + extract(month from completed_local) - 1 as completed_month,
        status = 'completed' and completed_at < $as_of as is_completed
    from local_deals
    where created_at < $as_of

),

new_per_month as (

    select
        created_month as month_number,
        count(*) as new_deals,
        count(distinct sponsor_id) as active_sponsors,
        count(distinct influencer_id) as active_influencers
    from deals
    where created_month >= 24000
    group by created_month

),

completed_per_month as (

    select
        completed_month as month_number,
        count(*) as completed_deals,
        sum(amount) as gmv
    from deals
    where
        is_completed
        and completed_month >= 24000
    group by completed_month

),

local_transactions as (

    select
        transactions.*,
        make_timestamp(epoch_us(transactions.created_at) + local_offsets.ahead) as created_local
    from raw.transactions as transactions
    inner join local_offsets
        on
            local_offsets.zone = $tz
            and greatest(epoch_us(transactions.created_at) // $slice, 0) = local_offsets.slice
            and transactions.created_at >= local_offsets.begins_at
            and transactions.created_at < local_offsets.ends_at

),

movements as (

    select
        type,
        amount,
        extract(year from created_local) * 12 + extract(month from created_local) - 1 as month_number
    from local_transactions
    where
        type in ('commission_deduct', 'agent_commission', 'refund')
        and status = 'completed'
        and lower(trim(coalesce(currency, 'usd'), ' ')) = $currency
        and created_at < $as_of

),

money_per_month as (

    select
        month_number,
        sum(case when type = 'commission_deduct' then amount else 0 end) as platform_revenue,
        sum(case when type = 'agent_commission' then amount else 0 end) as agent_payouts,
        sum(case when type = 'refund' then amount else 0 end) as refunds
    from movements
    where month_number >= 24000
    group by month_number

),

active_months as (

    select month_number from new_per_month
    union
    select month_number from completed_per_month
    union
    select month_number from money_per_month

),

bounds as (

    select
        min(month_number) as first_month,
        extract(year from cast($last_day as date)) * 12 + extract(month from cast($last_day as date)) - 1 as last_month
    from active_months

),

months as (

    select spread.month_number
    from bounds
    cross join unnest(generate_series(bounds.first_month, bounds.last_month)) as spread (month_number)

),

measured as (

    select
        months.month_number,
        coalesce(new_per_month.new_deals, 0) as new_deals,
        coalesce(completed_per_month.completed_deals, 0) as completed_deals,
        case when $currency = 'usd' then cast(coalesce(completed_per_month.gmv, 0) as decimal(38, 2)) end as gmv,
        coalesce(new_per_month.active_sponsors, 0) as active_sponsors,
        coalesce(new_per_month.active_influencers, 0) as active_influencers,
        cast(coalesce(money_per_month.platform_revenue, 0) as decimal(38, 2)) as platform_revenue,
        cast(coalesce(money_per_month.agent_payouts, 0) as decimal(38, 2)) as agent_payouts,
        cast(coalesce(money_per_month.refunds, 0) as decimal(38, 2)) as refunds
    from months
    left join new_per_month
        on months.month_number = new_per_month.month_number
    left join completed_per_month
        on months.month_number = completed_per_month.month_number
    left join money_per_month
        on months.month_number = money_per_month.month_number

),

-- In cents, so that the rate is a fraction of whole numbers; amounts may be negative.
cents as (

    select
        month_number,
        cast(platform_revenue * 100 as hugeint) as revenue,
        cast(nullif(gmv, 0) * 100 as hugeint) as volume
    from measured

),

final as (

    select
        make_date(measured.month_number // 12, measured.month_number % 12 + 1, 1) as month,
        measured.new_deals,
        measured.completed_deals,
        measured.gmv,
        measured.active_sponsors,
        measured.active_influencers,
        measured.platform_revenue,
        measured.agent_payouts,
        cast(measured.platform_revenue - measured.agent_payouts as decimal(38, 2)) as net_revenue,
        cast(
            sign(cents.revenue) * sign(cents.volume)
            * ((2 * 1000000 * abs(cents.revenue) + abs(cents.volume)) // (2 * abs(cents.volume))) as decimal(38, 0)
        ) * 0.000001 as take_rate,
        measured.refunds
    from measured
    inner join cents
        on measured.month_number = cents.month_number

)

select * from final
order by month
