-- token_withdrawals: tokens that users asked to be sent to a wallet.
--
-- The network is that of the user's wallet with the address that was asked for. Addresses are read as digests.
--
-- +++
-- topic = "people"
-- grain = "one row per request to withdraw tokens"
-- inputs = ["raw.token_withdrawal_requests", "raw.connected_wallets"]
-- key = "request_id"
-- unit = { id = "request_id" }
-- row = { token_withdrawal_requests = "request_id" }
-- time = "requested_at"
-- links = { user = "user_id" }
--
-- [stands_on]
-- connected_wallets = "user_id = user_id and wallet_address = address"
--
-- [columns]
-- request_id = "the request"
-- requested_at = ["time", "it was made"]
-- user_id = "by whom"
-- status = "at extraction"
-- is_completed = "status completed, and not processed only after as_of"
-- network = "of the wallet, null where the user has no such wallet"
-- amount = ["tokens", "asked for"]
--
-- [measures]
-- token_withdrawals = ["requests", "count(*)", "requests to withdraw tokens, of any status"]
-- token_amount = ["tokens", "sum(amount)", "tokens asked for, whatever became of it"]
-- +++

with

-- One network per wallet, also where a wallet was entered twice.
wallets as (

    select
        user_id,
        address,
        min(network) as network
    from raw.connected_wallets
    group by user_id, address

)

select
    requests.id as request_id,
    requests.requested_at,
    requests.user_id,
    requests.status,
    coalesce(requests.status = 'completed' and coalesce(requests.processed_at < $as_of, true), false) as is_completed,
    wallets.network,
    requests.amount
from raw.token_withdrawal_requests as requests
left join wallets
    on
        requests.user_id = wallets.user_id
        and requests.wallet_address = wallets.address
where requests.requested_at < $as_of
