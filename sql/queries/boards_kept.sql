-- boards_kept: the all-time leaderboard as it was kept of each day.
--
-- A board stands for its day in the reporting time zone; it is in a window where the first moment of that day is.
--
-- Dialect  duckdb
-- Grain    one row per day and agent, in one currency
-- Inputs   history.agent_leaderboard
-- Params   $since  timestamptz or null, inclusive · $until  timestamptz or null, exclusive ·
--          $currency  text · $tz  IANA time zone of the days · $agent_id  uuid or null
-- Units    total_earnings in the currency
-- Order    as_of_date, rank

with

boards as (

    select
        *,
        cast(as_of_date as timestamp) at time zone $tz as begins_at
    from history.agent_leaderboard
    where currency = $currency

),

final as (

    select
        as_of_date,
        currency,
        agent_id,
        agent_name,
        tier,
        total_referrals,
        total_deals,
        total_earnings,
        rank
    from boards
    where
        ($since is null or begins_at >= cast($since as timestamptz))
        and ($until is null or begins_at < cast($until as timestamptz))
        and ($agent_id is null or agent_id = cast($agent_id as uuid))

)

select * from final
order by as_of_date, rank
