-- other_currencies: money in another currency than the reporting one, which no figure counts.
--
-- What would have been counted: completed commissions to agents (earnings, payouts; to whomever), completed
-- deductions of the platform's commission (revenue) and completed refunds. Other types of transaction enter no
-- figure in any currency. A deal's amount has no currency of its own; figures made of it are in usd or null.
--
-- +++
-- grain = "one row per other currency; '' is one of them, null counts as usd"
-- severity = "warning"
-- inputs = "raw.transactions"
-- units = "amounts in the currency of the row; total_amount is the sum of all three types"
-- order = "currency"
-- remedy = "Convert these amounts, or refresh another warehouse with SI_CURRENCY set to that currency"
-- +++

with

left_out as (

    select
        coalesce(lower(trim(currency, ' ')), 'usd') as currency,
        type,
        amount
    from raw.transactions
    where
        type in ('agent_commission', 'commission_deduct', 'refund')
        and status = 'completed'
        and created_at < $as_of

),

final as (

    select
        currency,
        count(*) as transactions,
        sum(amount) as total_amount,
        coalesce(sum(case when type = 'agent_commission' then amount end), 0) as agent_commission,
        coalesce(sum(case when type = 'commission_deduct' then amount end), 0) as commission_deduct,
        coalesce(sum(case when type = 'refund' then amount end), 0) as refund
    from left_out
    where currency <> $currency
    group by currency

)

select * from final
order by currency
