-- agent_verified_referrals: an agent's active recruits who came by a verified invite of the same agent.
--
-- +++
-- grain = "one row per recruit, with the invite verified first and the number of such invites"
-- explains = "agent_performance_metrics.verified_referrals"
-- how = "number of rows"
-- inputs = ["raw.invites", "raw.referrals"]
-- order = "recruited_at, recruited_user_id"
--
-- [params]
-- key = "id of the agent"
-- +++

with

active_recruits as (

    select
        recruited_user_id,
        min(recruited_at) as recruited_at
    from raw.referrals
    where
        agent_id = cast($key as uuid)
        and is_active
        and (recruited_at < $as_of or recruited_at is null)
    group by recruited_user_id

),

verified_invites as (

    select
        id as invite_id,
        converted_user_id,
        sent_at,
        verified_at,
        row_number() over (partition by converted_user_id order by verified_at asc nulls last, id asc) as place,
        count(*) over (partition by converted_user_id) as verified_invites
    from raw.invites
    where
        agent_id = cast($key as uuid)
        and is_verified
        and (verified_at is null or verified_at < $as_of)
        and (sent_at is null or sent_at < $as_of)

),

final as (

    select
        active_recruits.recruited_user_id,
        active_recruits.recruited_at,
        verified_invites.invite_id,
        verified_invites.sent_at,
        verified_invites.verified_at,
        verified_invites.verified_invites
    from active_recruits
    inner join verified_invites
        on active_recruits.recruited_user_id = verified_invites.converted_user_id
    where verified_invites.place = 1

)

select * from final
order by recruited_at, recruited_user_id
