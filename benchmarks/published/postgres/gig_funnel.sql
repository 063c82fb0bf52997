-- gig_funnel: how far each gig came, and when.
--
-- Dialect  postgres
-- Grain    one row per gig and stage it reached on its own; reached_at null where that time is unknown
-- Inputs   public.gigs, public.gig_applications, public.deals, public.escrow_jobs
-- Params   %(as_of)s  timestamptz, exclusive

create temporary table gig_funnel on commit drop as

with

applications_per_gig as (

    select
        gig_id,
        min(applied_at) as applied_at,
        bool_or(status = 'approved' and (reviewed_at < %(as_of)s or reviewed_at is null)) as is_approved,
        min(reviewed_at) filter (where status = 'approved' and reviewed_at < %(as_of)s) as approved_at
    from public.gig_applications
    where applied_at < %(as_of)s
    group by gig_id

),

deals_per_gig as (

    select
        gig_id,
        min(created_at) as dealt_at,
        bool_or(status = 'completed' and (completed_at < %(as_of)s or completed_at is null)) as is_completed,
        min(completed_at) filter (where status = 'completed' and completed_at < %(as_of)s) as completed_at
    from public.deals
    where created_at < %(as_of)s
    group by gig_id

),

payments_per_gig as (

    select
        gig_id,
        min(released_at) as paid_at
    from public.escrow_jobs
    where
        status = 'released'
        and created_at < %(as_of)s
        and (released_at < %(as_of)s or released_at is null)
    group by gig_id

),

final as (

    select
        gigs.id as unit_id,
        gigs.created_at as started_at,
        stages.stage_number,
        stages.reached_at
    from public.gigs as gigs
    left join applications_per_gig
        on gigs.id = applications_per_gig.gig_id
    left join deals_per_gig
        on gigs.id = deals_per_gig.gig_id
    left join payments_per_gig
        on gigs.id = payments_per_gig.gig_id
    cross join
        lateral (
            values
            (1, true, gigs.created_at),
            (2, applications_per_gig.gig_id is not null, applications_per_gig.applied_at),
            (3, applications_per_gig.is_approved, applications_per_gig.approved_at),
            (4, deals_per_gig.gig_id is not null, deals_per_gig.dealt_at),
            (5, deals_per_gig.is_completed, deals_per_gig.completed_at),
            (6, payments_per_gig.gig_id is not null, payments_per_gig.paid_at)
        ) as stages (stage_number, is_reached, reached_at)
    where gigs.created_at < %(as_of)s and stages.is_reached

)

select * from final
