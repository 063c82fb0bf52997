-- application_funnel: how far each application to a gig came, and when.
--
-- Dialect  postgres
-- Grain    one row per application and stage it reached on its own; reached_at null where that time is unknown
-- Inputs   public.gig_applications, public.deals, public.escrow_jobs
-- Params   %(as_of)s  timestamptz, exclusive

create temporary table application_funnel on commit drop as

with

deals_per_pair as (

    select
        gig_id,
        influencer_id,
        min(created_at) as dealt_at,
        bool_or(status = 'completed' and (completed_at < %(as_of)s or completed_at is null)) as is_completed,
        min(completed_at) filter (where status = 'completed' and completed_at < %(as_of)s) as completed_at
    from public.deals
    where created_at < %(as_of)s
    group by gig_id, influencer_id

),

payments_per_application as (

    select
        application_id,
        min(released_at) as paid_at
    from public.escrow_jobs
    where
        status = 'released'
        and created_at < %(as_of)s
        and (released_at < %(as_of)s or released_at is null)
    group by application_id

),

final as (

    select
        applications.id as unit_id,
        applications.applied_at as started_at,
        stages.stage_number,
        stages.reached_at
    from public.gig_applications as applications
    left join deals_per_pair
        on
            applications.gig_id = deals_per_pair.gig_id
            and applications.influencer_id = deals_per_pair.influencer_id
    left join payments_per_application
        on applications.id = payments_per_application.application_id
    cross join
        lateral (
            values
            (1, true, applications.applied_at),
            (
                2,
                applications.reviewed_at < %(as_of)s
                or (applications.reviewed_at is null and applications.status <> 'pending'),
                applications.reviewed_at
            ),
            (
                3,
                applications.status = 'approved'
                and (applications.reviewed_at < %(as_of)s or applications.reviewed_at is null),
                applications.reviewed_at
            ),
            (4, deals_per_pair.gig_id is not null, deals_per_pair.dealt_at),
            (5, deals_per_pair.is_completed, deals_per_pair.completed_at),
            (6, payments_per_application.application_id is not null, payments_per_application.paid_at)
        ) as stages (stage_number, is_reached, reached_at)
    where applications.applied_at < %(as_of)s and stages.is_reached

)

select * from final
