-- values_nearly_too_large: a summary value uses more than 80 % of the range of its Postgres column.
--
-- One that does not fit is listed here as well; values_too_large stops the refresh then. A rating of 5 in a column
-- that ends at 9.9 is not near its limit: the range is that of the column's type.
--
-- +++
-- grain = "one row per value: the Postgres table and column, the row's key, the value, the largest that fits"
-- severity = "warning"
-- inputs = [
--     "metrics.agent_performance_metrics", "metrics.agent_profile_summaries", "metrics.brand_reputations",
--     "metrics.contact_engagement", "metrics.invite_template_usage", "metrics.user_ratings",
-- ]
-- units = "value as in the column: counts, days, hours, stars, percent, the reporting currency"
-- order = "table_name, column_name, key"
-- remedy = "Give the column a wider type before a value outgrows it"
-- +++

with

-- INTEGER.
integers as (

    select 'agent_performance_metrics' as table_name, column_name, user_id as key, value, 2147483647 as largest
    from metrics.agent_performance_metrics
    unpivot (value for column_name in (total_deals, total_referrals, verified_referrals))
    union all
    select 'agent_profiles' as table_name, column_name, agent_id as key, value, 2147483647 as largest
    from metrics.agent_profile_summaries
    unpivot (value for column_name in (recruit_satisfaction_count))
    union all
    select 'brand_reputations' as table_name, column_name, sponsor_id as key, value, 2147483647 as largest
    from metrics.brand_reputations
    unpivot (value for column_name in (total_deals, review_count))
    union all
    select 'contact_engagement' as table_name, column_name, contact_id as key, value, 2147483647 as largest
    from metrics.contact_engagement
    unpivot (value for column_name in (total_invites_sent, opened_count, clicked_count))
    union all
    select 'invite_templates' as table_name, column_name, template_id as key, value, 2147483647 as largest
    from metrics.invite_template_usage
    unpivot (value for column_name in (times_used))
    union all
    select 'users' as table_name, column_name, user_id as key, value, 2147483647 as largest
    from metrics.user_ratings
    unpivot (value for column_name in (review_count))

),

-- DECIMAL(10, 2), and DECIMAL(5, 2) of the rates.
amounts as (

    select 'agent_performance_metrics' as table_name, column_name, user_id as key, value, 99999999.99 as largest
    from metrics.agent_performance_metrics
    unpivot (
        value for column_name in (total_earnings, average_conversion_time, response_time, performance_score)
    )
    union all
    select 'agent_profiles' as table_name, column_name, agent_id as key, value, 99999999.99 as largest
    from metrics.agent_profile_summaries
    unpivot (value for column_name in (total_earnings))
    union all
    select 'brand_reputations' as table_name, column_name, sponsor_id as key, value, 99999999.99 as largest
    from metrics.brand_reputations
    unpivot (value for column_name in (average_payment_time))
    union all
    select 'contact_engagement' as table_name, column_name, contact_id as key, value, 999.99 as largest
    from metrics.contact_engagement
    unpivot (value for column_name in (response_rate))
    union all
    select 'invite_templates' as table_name, column_name, template_id as key, value, 999.99 as largest
    from metrics.invite_template_usage
    unpivot (value for column_name in (acceptance_rate))

),

-- DECIMAL(2, 1).
stars as (

    select 'agent_performance_metrics' as table_name, column_name, user_id as key, value, 9.9 as largest
    from metrics.agent_performance_metrics
    unpivot (value for column_name in (satisfaction_score))
    union all
    select 'agent_profiles' as table_name, column_name, agent_id as key, value, 9.9 as largest
    from metrics.agent_profile_summaries
    unpivot (value for column_name in (recruit_satisfaction_score))
    union all
    select 'brand_reputations' as table_name, column_name, sponsor_id as key, value, 9.9 as largest
    from metrics.brand_reputations
    unpivot (
        value for column_name in (overall_rating, payment_speed_rating, communication_rating, professionalism_rating)
    )
    union all
    select 'users' as table_name, column_name, user_id as key, value, 9.9 as largest
    from metrics.user_ratings
    unpivot (value for column_name in (rating))

),

-- Each type is compared for itself: brought to one type first, every value would be converted.
final as (

    select * from integers
    where value > cast(4 as bigint) * largest // 5 or value < -(cast(4 as bigint) * largest // 5)
    union all
    select * from amounts
    where value > 0.8 * largest or value < -0.8 * largest
    union all
    select * from stars
    where value > 0.8 * largest or value < -0.8 * largest

)

select * from final
order by table_name, column_name, key
