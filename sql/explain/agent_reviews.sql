-- agent_reviews: the reviews about an agent.
--
-- Dialect   duckdb
-- Grain     one row per review
-- Explains  agent_performance_metrics.satisfaction_score
-- How       mean of value
-- Decimals  1
-- Empty     null
-- Inputs    raw.user_reviews
-- Params    $key  id of the agent · $as_of  timestamptz, exclusive
-- Units     value in stars
-- Order     created_at, review_id

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
