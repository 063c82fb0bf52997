-- rewards: what users earned for what they do, in money, points and badges.
--
-- Only rewards of the types cash and crypto are money: without a currency they are in usd. Those of the type points are
-- added up on their own, and like badges have the currency that they name, if any. Rewards are counted in any currency;
-- the amount is of the reporting currency.
--
-- +++
-- topic = "people"
-- grain = "one row per reward earned"
-- inputs = "raw.user_rewards"
-- key = "reward_id"
-- row = { user_rewards = "reward_id" }
-- time = "earned_at"
-- currency = "currency"
-- links = { user = "user_id" }
--
-- [columns]
-- reward_id = "the reward"
-- earned_at = ["time", "it was earned"]
-- user_id = "by whom"
-- type = "points, cash, crypto or badge"
-- currency = "trimmed, in lower case; where there was none usd for cash and crypto, and null for all else"
-- status = "at extraction"
-- amount = ["reporting currency", "of cash and crypto; null of all else"]
-- points = ["points", "of points; null of all else"]
--
-- [measures]
-- rewards = ["rewards, any currency", "count(*)", "rewards of any type and status"]
-- reward_amount = ["reporting currency", "sum(amount)", "rewards in cash and crypto, of any status"]
-- reward_points = ["points, any currency", "sum(points)", "points of rewards, of any status"]
-- +++

select
    id as reward_id,
    earned_at,
    user_id,
    reward_type as type,
    lower(trim(coalesce(currency, case when reward_type in ('cash', 'crypto') then 'usd' end), ' ')) as currency,
    status,
    case when reward_type in ('cash', 'crypto') then amount end as amount,
    case when reward_type = 'points' then amount end as points
from raw.user_rewards
where earned_at < $as_of
