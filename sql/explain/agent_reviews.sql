-- agent_reviews: the reviews about an agent.
--
-- +++
-- grain = "one row per review"
-- explains = "agent_performance_metrics.satisfaction_score"
-- how = "mean of value"
-- decimals = 1
-- empty = "null"
-- inputs = "raw.user_reviews"
-- units = "value in stars"
-- order = "created_at, review_id"
--
-- [params]
-- key = "id of the agent"
-- +++

with

final as (

    select
        id as review_id,
        created_at,
        reviewer_id,
        deal_id,
        rating as value
    from raw.user_reviews
    where
        reviewed_user_id = cast($key as uuid)
        and created_at < $as_of

)

select * from final
order by created_at, review_id
