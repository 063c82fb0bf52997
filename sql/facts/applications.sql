-- applications: influencers who applied for a gig.
--
-- +++
-- topic = "marketplace"
-- grain = "one row per gig application"
-- inputs = "raw.gig_applications"
-- key = "application_id"
-- row = { gig_applications = "application_id" }
-- time = "applied_at"
-- links = { influencer = "influencer_id", gig = "gig_id" }
--
-- [columns]
-- application_id = "the application"
-- applied_at = ["time", "it was made"]
-- influencer_id = "by whom"
-- gig_id = "for what"
-- is_approved = "status approved, and not reviewed only after as_of"
--
-- [measures]
-- applications = ["applications", "count(*)", "number"]
-- applicants = ["users", "count(distinct influencer_id)", "distinct influencers"]
-- approval_rate = ["ratio", "count(*) filter (where is_approved) / count(*)", "approved of made"]
-- +++

select
    id as application_id,
    applied_at,
    influencer_id,
    gig_id,
    coalesce(status = 'approved' and coalesce(reviewed_at < $as_of, true), false) as is_approved
from raw.gig_applications
where applied_at < $as_of
