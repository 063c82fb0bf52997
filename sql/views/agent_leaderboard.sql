-- agent_leaderboard: the all-time board of agents as of the last refresh.
--
-- The figures come ready from analytics.agent_leaderboard. The unique index is what lets
-- `refresh materialized view concurrently` leave readers alone.
--
-- +++
-- grain = "one row per agent"
-- inputs = "analytics.agent_leaderboard"
-- units = "total_earnings in the reporting currency"
-- +++

create materialized view if not exists agent_leaderboard as
select
    agent_id,
    agent_name,
    avatar,
    tier,
    total_referrals,
    total_deals,
    total_earnings,
    rank
from analytics.agent_leaderboard;

create unique index if not exists idx_agent_leaderboard_agent_id on agent_leaderboard (agent_id);
create index if not exists idx_agent_leaderboard_rank on agent_leaderboard (rank);
