-- ranked_agents: the leaderboard by another measure than earnings, or of some agents only.
--
-- board and previous_board hold the rows of agent_leaderboard in the window asked for and in the one before it;
-- the library fills them. A rank is the place on the whole board, whoever is shown. The schema knows no location
-- of an agent: one counts as being where an active recruit's influencer or sponsor profile is.
--
-- +++
-- grain = "one row per agent shown"
-- inputs = [
--     "board", "previous_board", "raw.agent_profiles", "raw.referrals", "raw.influencer_profiles",
--     "raw.sponsor_profiles",
-- ]
-- units = "total_earnings in the reporting currency; rank_change is previous_rank minus rank"
-- order = "rank"
--
-- [params]
-- by = "earnings, deals or referrals"
-- tiers = "varchar[] or null"
-- specialties = "varchar[] or null"
-- locations = "varchar[] or null"
-- +++

with

ranked as (

    select
        *,
        row_number() over (
            order by
                case $by when 'deals' then total_deals when 'referrals' then total_referrals else 0 end desc,
                total_earnings desc,
                total_deals desc,
                total_referrals desc,
                agent_id asc
        ) as place
    from board

),

ranked_before as (

    select
        *,
        row_number() over (
            order by
                case $by when 'deals' then total_deals when 'referrals' then total_referrals else 0 end desc,
                total_earnings desc,
                total_deals desc,
                total_referrals desc,
                agent_id asc
        ) as place
    from previous_board

),

-- An agent with nothing in the window before had no rank worth comparing with.
previous as (

    select
        agent_id,
        place
    from ranked_before
    where total_earnings <> 0 or total_deals <> 0 or total_referrals <> 0

),

homes as (

    select
        user_id,
        location
    from raw.influencer_profiles

    union all

    select
        user_id,
        location
    from raw.sponsor_profiles

),

agents_there as (

    select distinct referrals.agent_id
    from raw.referrals as referrals
    inner join homes
        on referrals.recruited_user_id = homes.user_id
    where
        referrals.is_active
        and (referrals.recruited_at < cast($until as timestamptz) or referrals.recruited_at is null)
        and array_contains(cast($locations as varchar[]), homes.location)

),

agents_skilled as (

    select distinct agent_profiles.user_id as agent_id
    from raw.agent_profiles as agent_profiles
    cross join unnest(agent_profiles.specialties) as named (specialty)
    where array_contains(cast($specialties as varchar[]), named.specialty)

),

agents_shown as (

    select agent_profiles.user_id as agent_id
    from raw.agent_profiles as agent_profiles
    left join agents_there
        on agent_profiles.user_id = agents_there.agent_id
    left join agents_skilled
        on agent_profiles.user_id = agents_skilled.agent_id
    where
        ($tiers is null or array_contains(cast($tiers as varchar[]), agent_profiles.tier))
        and ($specialties is null or agents_skilled.agent_id is not null)
        and ($locations is null or agents_there.agent_id is not null)

),

final as (

    select
        ranked.agent_id,
        ranked.agent_name,
        ranked.avatar,
        ranked.tier,
        ranked.total_referrals,
        ranked.total_deals,
        ranked.total_earnings,
        ranked.place as rank,
        previous.place as previous_rank,
        previous.place - ranked.place as rank_change
    from ranked
    inner join agents_shown
        on ranked.agent_id = agents_shown.agent_id
    left join previous
        on ranked.agent_id = previous.agent_id

)

select * from final
order by rank
