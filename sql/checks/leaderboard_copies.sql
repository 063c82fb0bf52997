-- leaderboard_copies: another table shows a different figure for an agent than the leaderboard.
--
-- +++
-- grain = "one row per table, figure and agent where they differ"
-- severity = "blocking"
-- inputs = ["metrics.agent_leaderboard", "metrics.agent_performance_metrics", "metrics.agent_profile_summaries"]
-- units = "total_earnings in the reporting currency"
-- order = "table_name, column_name, agent_id"
-- remedy = "A metric is computed wrongly: report it, with the version of si_analytics"
-- +++

with

leaderboard as (

    select agent_id, column_name, total
    from metrics.agent_leaderboard
    unpivot include nulls (total for column_name in (total_referrals, total_deals, total_earnings))

),

copies as (

    select 'agent_performance_metrics' as table_name, user_id as agent_id, column_name, total
    from metrics.agent_performance_metrics
    unpivot include nulls (total for column_name in (total_referrals, total_deals, total_earnings))

    union all

    select 'agent_profile_summaries' as table_name, agent_id, 'total_earnings' as column_name, total_earnings as total
    from metrics.agent_profile_summaries

),

final as (

    select
        copies.table_name,
        copies.column_name,
        copies.agent_id,
        copies.total as shown,
        leaderboard.total as on_leaderboard
    from copies
    inner join leaderboard
        on
            copies.agent_id = leaderboard.agent_id
            and copies.column_name = leaderboard.column_name
    where copies.total is distinct from leaderboard.total

)

select * from final
order by table_name, column_name, agent_id
