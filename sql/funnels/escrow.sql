-- escrow: from an escrow job created to the money released.
--
-- A status says that every stage up to its own was reached; a stage's own timestamp, where set, decides
-- for that stage alone. refunding, refunded and disputed say nothing beyond the timestamps.
--
-- Dialect     duckdb
-- Grain       one row per escrow job and stage it reached on its own
-- Inputs      raw.escrow_jobs
-- Params      $as_of  timestamptz, exclusive · $tz  IANA time zone of the month
-- Stages      created, locked, submitted, approved, released
-- Breakdowns  currency, month
-- Order       unit_id, stage_number

with

jobs as (

    select * from raw.escrow_jobs
    where created_at < $as_of

),

stages as (

    select
        id as unit_id,
        1 as stage_number,
        'created' as stage,
        created_at as reached_at
    from jobs

    union all

    select
        id as unit_id,
        2 as stage_number,
        'locked' as stage,
        locked_at as reached_at
    from jobs
    where
        coalesce(
            locked_at < $as_of,
            status in (
                'locked', 'work_in_progress', 'work_submitted', 'under_review', 'approved', 'releasing', 'released'
            )
        )

    union all

    select
        id as unit_id,
        3 as stage_number,
        'submitted' as stage,
        work_submitted_at as reached_at
    from jobs
    where
        coalesce(
            work_submitted_at < $as_of,
            status in ('work_submitted', 'under_review', 'approved', 'releasing', 'released')
        )

    union all

    select
        id as unit_id,
        4 as stage_number,
        'approved' as stage,
        approved_at as reached_at
    from jobs
    where coalesce(approved_at < $as_of, status in ('approved', 'releasing', 'released'))

    union all

    select
        id as unit_id,
        5 as stage_number,
        'released' as stage,
        released_at as reached_at
    from jobs
    where coalesce(released_at < $as_of, status = 'released')

),

final as (

    select
        stages.unit_id,
        stages.stage_number,
        stages.stage,
        stages.reached_at,
        jobs.created_at as started_at,
        lower(trim(coalesce(jobs.currency, 'usd'), ' ')) as currency,
        strftime(jobs.created_at at time zone $tz, '%Y-%m') as month
    from stages
    inner join jobs
        on stages.unit_id = jobs.id

)

select * from final
order by unit_id, stage_number
