-- gig: the work that brands offer.
--
-- A gig that was posted at or after as_of, or nobody knows when, is none yet.
--
-- +++
-- topic = "marketplace"
-- grain = "one row per gig"
-- inputs = "raw.gigs"
-- key = "gig_id"
-- links = { brand = "sponsor_id" }
--
-- [columns]
-- gig_id = "the gig"
-- category = ["list", "each of its categories"]
-- location = "where the work is"
-- status = "at extraction"
-- sponsor_id = "who offers it"
-- +++

select
    gigs.id as gig_id,
    gigs.categories as category,
    gigs.location,
    gigs.status,
    gigs.sponsor_id
from raw.gigs as gigs
where gigs.created_at < $as_of
