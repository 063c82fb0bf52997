-- conversion_funnels: the five funnels, all time, as of the last refresh.
--
-- The unique index is what lets `refresh materialized view concurrently` leave readers alone.
--
-- +++
-- grain = "one row per funnel and stage; breakdown and breakdown_value are both 'all'"
-- inputs = "analytics.conversion_funnels"
-- units = "conversion_* ratios 0 to 1; *_hours_from_start hours"
-- +++

create materialized view if not exists conversion_funnels as
select
    funnel,
    breakdown,
    breakdown_value,
    stage_number,
    stage,
    reached,
    dropped,
    conversion_from_previous,
    conversion_from_start,
    median_hours_from_start,
    p90_hours_from_start,
    immature
from analytics.conversion_funnels;

create unique index if not exists idx_conversion_funnels_stage
on conversion_funnels (funnel, breakdown, breakdown_value, stage_number);
