-- recruits: users whom an agent recruited and who are still active.
--
-- A pair of agent and recruit that was entered twice counts once in the measures.
--
-- +++
-- topic = "agents"
-- grain = "one row per active referral"
-- inputs = ["raw.referrals", "raw.invites"]
-- key = "referral_id"
-- unit = { id = "referral_id" }
-- row = { referrals = "referral_id" }
-- time = "recruited_at"
-- timeless = "always"
-- links = { agent = "agent_id", user = "recruited_user_id" }
--
-- [stands_on]
-- invites = "agent_id = agent_id and recruited_user_id = converted_user_id"
--
-- [columns]
-- referral_id = "the referral"
-- agent_id = "the recruiter"
-- recruited_user_id = "the recruit"
-- type = "influencer or sponsor"
-- recruited_at = ["time", "when, null where unknown: such a one counts as recruited from ever"]
-- is_verified = "whether a verified invite of this agent brought the user"
--
-- [measures]
-- recruits = ["recruits", "count(distinct agent_id, recruited_user_id)", "active recruits, each once per agent"]
-- verified_recruits = [
--     "recruits", "count(distinct agent_id, recruited_user_id) filter (where is_verified)",
--     "active recruits whom a verified invite brought, each once per agent",
-- ]
-- +++

with

verified as (

    select distinct
        agent_id,
        converted_user_id
    from raw.invites
    where
        is_verified
        and (verified_at is null or verified_at < $as_of)
        and (sent_at is null or sent_at < $as_of)

)

select
    referrals.id as referral_id,
    referrals.agent_id,
    referrals.recruited_user_id,
    referrals.recruited_user_type as type,
    referrals.recruited_at,
    verified.agent_id is not null as is_verified
from raw.referrals as referrals
left join verified
    on
        referrals.agent_id = verified.agent_id
        and referrals.recruited_user_id = verified.converted_user_id
where
    referrals.is_active
    and (referrals.recruited_at < $as_of or referrals.recruited_at is null)
