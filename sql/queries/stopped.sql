-- stopped: the units that got to one stage of a funnel and to none after it.
--
-- Who reached a later stage, even by implication, did not stop here; so there are as many as conversion_funnels
-- calls dropped at the next stage. At the last stage these are the units that went all the way.
--
-- Dialect  duckdb
-- Grain    one row per unit
-- Inputs   funnel_units
-- Params   $stage_number  bigint · $since  timestamptz or null, inclusive · $until  timestamptz, exclusive ·
--          $as_of  timestamptz · $within_microseconds  bigint or null, inclusive
-- Units    reached_at is null where the time is unknown; immature units may yet go on within their time
-- Order    started_at, unit_id

with

reached as (

    select
        unit_id,
        stage_number,
        started_at,
        reached_at
    from funnel_units
    where
        ($since is null or started_at >= cast($since as timestamptz))
        and started_at < cast($until as timestamptz)
        and (
            stage_number = 1
            or cast($within_microseconds as bigint) is null
            or epoch_us(reached_at) - epoch_us(started_at) <= cast($within_microseconds as bigint)
        )

),

furthest as (

    select
        unit_id,
        max(stage_number) as stage_number
    from reached
    group by unit_id

),

final as (

    select
        reached.unit_id,
        reached.started_at,
        reached.reached_at,
        coalesce(
            cast($within_microseconds as bigint)
            > epoch_us(cast($as_of as timestamptz)) - epoch_us(reached.started_at),
            false
        ) as immature
    from reached
    inner join furthest
        on
            reached.unit_id = furthest.unit_id
            and reached.stage_number = furthest.stage_number
    where reached.stage_number = $stage_number

)

select * from final
order by started_at, unit_id
