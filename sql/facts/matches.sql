-- matches: users who matched, over a gig or without one.
--
-- Who swiped first does not matter: two users are one pair, however often and over however many gigs they matched.
--
-- +++
-- topic = "people"
-- grain = "one row per match"
-- inputs = "raw.matches"
-- key = "match_id"
-- row = { matches = "match_id" }
-- time = "matched_at"
-- links = { user = "user_id", target = ["user", "target_id"], gig = "gig_id" }
--
-- [columns]
-- match_id = "the match"
-- matched_at = ["time", "it was made"]
-- user_id = "one of the two"
-- target_id = "the other"
-- gig_id = "over what, null for none"
-- has_gig = "whether it is over a gig"
-- first_user_id = "the one of the two whose id is smaller"
-- second_user_id = "the one whose id is greater"
--
-- [measures]
-- matches = ["matches", "count(*)", "matches of two users"]
-- matched_pairs = ["pairs", "count(distinct first_user_id, second_user_id)", "pairs of users who matched"]
-- +++

select
    id as match_id,
    matched_at,
    user_id,
    target_id,
    gig_id,
    gig_id is not null as has_gig,
    least(user_id, target_id) as first_user_id,
    greatest(user_id, target_id) as second_user_id
from raw.matches
where matched_at < $as_of
