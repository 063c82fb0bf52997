-- escrow_funnel: how far each escrow job came, and when.
--
-- A stage's own time speaks where it is set; where it is not, the status does: a job that stands at `approved` was
-- locked and its work submitted, at times nobody wrote down. Refunds and disputes say nothing.
--
-- Dialect  postgres
-- Grain    one row per escrow job and stage it reached on its own; reached_at null where that time is unknown
-- Inputs   public.escrow_jobs
-- Params   %(as_of)s  timestamptz, exclusive

create temporary table escrow_funnel on commit drop as

with

jobs as (

    select
        *,
        array_position(
            array['locked', 'work_in_progress', 'work_submitted', 'under_review', 'approved', 'releasing', 'released'],
            cast(status as text)
        ) as progress
    from public.escrow_jobs
    where created_at < %(as_of)s

),

final as (

    select
        jobs.id as unit_id,
        jobs.created_at as started_at,
        stages.stage_number,
        stages.reached_at
    from jobs
    cross join
        lateral (
            values
            (1, true, jobs.created_at),
            (2, jobs.progress >= 1, jobs.locked_at),
            (3, jobs.progress >= 3, jobs.work_submitted_at),
            (4, jobs.progress >= 5, jobs.approved_at),
            (5, jobs.progress >= 7, jobs.released_at)
        ) as stages (stage_number, is_said_by_status, reached_at)
    where stages.reached_at < %(as_of)s or (stages.reached_at is null and stages.is_said_by_status)

)

select * from final
