-- active_gigs: the open gigs, each with its sponsor and how many applied.
--
-- The columns of gigs are written out: a column that an application adds to gigs does not change the view.
-- Grouped by the key of gigs, it takes a table that has one of its own: without, there is no such view.
--
-- +++
-- grain = "one row per gig with status open"
-- inputs = ["gigs", "users", "gig_applications"]
-- keyed = "gigs"
-- units = "price and budgets in usd"
-- +++

create or replace view active_gigs as
select
    g.id,
    g.sponsor_id,
    g.title,
    g.description,
    g.price,
    g.budget_min,
    g.budget_max,
    g.categories,
    g.influencer_types,
    g.athlete_sports,
    g.location,
    g.requirements,
    g.deliverables,
    g.deadline,
    g.status,
    g.created_at,
    g.updated_at,
    u.name as sponsor_name,
    u.avatar as sponsor_avatar,
    count(distinct ga.id) as application_count
from gigs as g
inner join users as u on g.sponsor_id = u.id
left join gig_applications as ga on g.id = ga.gig_id
where g.status = 'open'
group by g.id, u.name, u.avatar;
