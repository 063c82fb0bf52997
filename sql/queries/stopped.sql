-- stopped: the units that got to one stage of a funnel and to none after it.
--
-- Who reached a later stage, even by implication, did not stop here; so there are as many as conversion_funnels
-- calls dropped at the next stage. At the last stage these are the units that went all the way.
--
-- +++
-- grain = "one row per unit"
-- inputs = "funnel_units"
-- units = "reached_at is null where the time is unknown; immature units may yet go on within their time"
-- order = "started_at, unit_id"
--
-- [params]
-- stage_number = "bigint"
-- +++

with

furthest as (

    select
        unit_id,
        started_at,
        stages,
        list_max(
            list_transform(
                stages,
                lambda stage:
                case
                    when
                        stage['stage_number'] = 1
                        or cast($within_microseconds as bigint) is null
                        or epoch_us(stage['reached_at']) - epoch_us(started_at)
                        <= cast($within_microseconds as bigint)
                        then stage['stage_number']
                end
            )
        ) as stage_number
    from funnel_units
    where
        ($since is null or started_at >= cast($since as timestamptz))
        and started_at < cast($until as timestamptz)

),

final as (

    select
        unit_id,
        started_at,
        stages[$stage_number]['reached_at'] as reached_at,
        coalesce(
            cast($within_microseconds as bigint) > epoch_us(cast($as_of as timestamptz)) - epoch_us(started_at),
            false
        ) as immature
    from furthest
    where stage_number = $stage_number

)

select * from final
order by started_at, unit_id
