-- social_accounts: accounts of influencers on other platforms.
--
-- An account counts from created_at on; its followers are those at extraction. One who has accounts on two platforms
-- may have the same followers on both.
--
-- +++
-- topic = "people"
-- grain = "one row per user and platform"
-- inputs = "raw.social_accounts"
-- key = "account_id"
-- row = { social_accounts = "account_id" }
-- time = "created_at"
-- links = { user = "user_id", influencer = "user_id" }
--
-- [columns]
-- account_id = "the account"
-- created_at = ["time", "it was connected"]
-- user_id = "whose"
-- platform = "where"
-- is_verified = "flagged as verified, and not verified only after as_of"
-- followers = ["followers", "at extraction"]
--
-- [measures]
-- social_accounts = ["accounts", "count(*)", "social accounts"]
-- followers = ["followers", "sum(followers)", "followers of all accounts together"]
-- most_followers = ["followers", "max(followers)", "followers of the largest account"]
-- +++

select
    id as account_id,
    created_at,
    user_id,
    platform,
    coalesce(is_verified, false) and coalesce(verified_at < $as_of, true) as is_verified,
    followers
from raw.social_accounts
where created_at < $as_of
