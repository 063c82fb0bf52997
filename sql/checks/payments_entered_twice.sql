-- payments_entered_twice: a payment repeats an earlier one in everything, and so was probably entered twice.
--
-- Alike are completed transactions of one type, job, payee, amount, currency and payment id, none of them null, created
-- within a day of each other. Each that follows another one is listed, with the one before; all are added up.
--
-- +++
-- grain = "one row per transaction that repeats the one before it"
-- severity = "warning"
-- inputs = "raw.transactions"
-- units = "amount in the currency of the row"
-- order = "transaction_id"
-- remedy = "Find out whether the money moved twice; if it did not, set the status of one of the two to failed"
-- +++

with

payments as (

    select
        id,
        type,
        job_id,
        to_user_id,
        amount,
        lower(trim(currency, ' ')) as currency,
        payment_id,
        created_at
    from raw.transactions
    where
        status = 'completed'
        and job_id is not null
        and to_user_id is not null
        and amount is not null
        and currency is not null
        and payment_id is not null
        and created_at < $as_of

),

-- Few payments share job and payment id: only these are put in order.
repeated as (

    select
        job_id,
        payment_id
    from payments
    group by job_id, payment_id
    having count(*) > 1

),

in_order as (

    select
        payments.*,
        lag(payments.id) over alike as earlier_id,
        lag(payments.created_at) over alike as earlier_at
    from payments
    inner join repeated
        on
            payments.job_id = repeated.job_id
            and payments.payment_id = repeated.payment_id
    window alike as (
        partition by
            payments.type, payments.job_id, payments.to_user_id, payments.amount, payments.currency, payments.payment_id
        order by payments.created_at asc, payments.id asc
    )

),

final as (

    select
        id as transaction_id,
        earlier_id as earlier_transaction_id,
        job_id,
        to_user_id,
        amount,
        currency,
        created_at
    from in_order
    where epoch_us(created_at) - epoch_us(earlier_at) <= 86400000000

)

select * from final
order by transaction_id
