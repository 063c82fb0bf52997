-- escrow: from an escrow job created to the money released.
--
-- A status says that every stage up to its own was reached; a stage's own timestamp, where set, decides
-- for that stage alone. refunding, refunded and disputed say nothing beyond the timestamps.
--
-- +++
-- grain = "one row per escrow job and stage it reached on its own"
-- breakdowns = ["currency", "month"]
-- inputs = ["raw.escrow_jobs", "local_offsets"]
-- order = "unit_id, stage_number"
--
-- [stages]
-- created = "created_at"
-- locked = "locked_at, or a status from locked on up to released (not refunding, refunded or disputed)"
-- submitted = "work_submitted_at, or status work_submitted, under_review, approved, releasing, released"
-- approved = "approved_at, or status approved, releasing, released"
-- released = "released_at, or status released"
--
-- [columns]
-- unit_id = "the escrow job"
-- stage_number = "place of the stage, from 1"
-- stage = "name of the stage"
-- reached_at = ["time", "earliest known time the stage was reached, null where it is unknown"]
-- started_at = ["time", "the job was created"]
-- currency = "currency of the job, trimmed and in lower case, usd where it has none"
-- month = "month of started_at, as YYYY-MM"
-- +++

with

local_escrow_jobs as (

    select
        escrow_jobs.*,
        make_timestamp(epoch_us(escrow_jobs.created_at) + local_offsets.ahead) as created_local
    from raw.escrow_jobs as escrow_jobs
    inner join local_offsets
        on
            local_offsets.zone = $tz
            and greatest(epoch_us(escrow_jobs.created_at) // $slice, 0) = local_offsets.slice
            and escrow_jobs.created_at >= local_offsets.begins_at
            and escrow_jobs.created_at < local_offsets.ends_at
    where escrow_jobs.created_at < $as_of

),

-- A list has a place for each stage, null where the unit did not reach it on its own.
units as (

    select
        id as unit_id,
        created_at as started_at,
        [
            { 'stage_number': 1, 'reached_at': created_at },
            case
                when
                    coalesce(
                        locked_at < $as_of,
                        status in (
                            'locked',
                            'work_in_progress',
                            'work_submitted',
                            'under_review',
                            'approved',
                            'releasing',
                            'released'
                        )
                    )
                    then { 'stage_number': 2, 'reached_at': locked_at }
            end,
            case
                when
                    coalesce(
                        work_submitted_at < $as_of,
                        status in ('work_submitted', 'under_review', 'approved', 'releasing', 'released')
                    )
                    then { 'stage_number': 3, 'reached_at': work_submitted_at }
            end,
            case
                when coalesce(approved_at < $as_of, status in ('approved', 'releasing', 'released'))
                    then { 'stage_number': 4, 'reached_at': approved_at }
            end,
            case
                when coalesce(released_at < $as_of, status = 'released')
                    then { 'stage_number': 5, 'reached_at': released_at }
            end
        ] as stages,
        lower(trim(coalesce(currency, 'usd'), ' ')) as currency,
        strftime(created_local, '%Y-%m') as month
    from local_escrow_jobs

),

reached as (

    select
        * exclude (stages),
        unnest(stages) as stage
    from units

),

final as (

    select
        unit_id,
        stage['stage_number'] as stage_number,
        ['created', 'locked', 'submitted', 'approved', 'released'][stage['stage_number']] as stage,
        stage['reached_at'] as reached_at,
        started_at,
        currency,
        month
    from reached
    where stage is not null

)

select * from final
order by unit_id, stage_number
