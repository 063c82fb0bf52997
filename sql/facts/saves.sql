-- saves: gigs that users saved for later.
--
-- +++
-- topic = "marketplace"
-- grain = "one row per user and saved gig"
-- inputs = "raw.saved_gigs"
-- key = "save_id"
-- row = { saved_gigs = "save_id" }
-- time = "saved_at"
-- links = { user = "user_id", gig = "gig_id" }
--
-- [columns]
-- save_id = "the entry"
-- saved_at = ["time", "it was saved"]
-- user_id = "by whom"
-- gig_id = "the gig"
--
-- [measures]
-- saves = ["saves", "count(*)", "gigs that were saved"]
-- +++

select
    id as save_id,
    saved_at,
    user_id,
    gig_id
from raw.saved_gigs
where saved_at < $as_of
