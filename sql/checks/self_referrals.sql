-- self_referrals: an agent recruited themselves.
--
-- Listed whether the referral is still active or not; while active it counts like any other.
--
-- +++
-- grain = "one row per referral"
-- severity = "warning"
-- inputs = "raw.referrals"
-- order = "referral_id"
-- remedy = "Set is_active to false if the agent is not to earn from their own deals"
-- +++

with

final as (

    select
        id as referral_id,
        agent_id,
        recruited_at,
        is_active
    from raw.referrals
    where
        agent_id = recruited_user_id
        and (recruited_at < $as_of or recruited_at is null)

)

select * from final
order by referral_id
