-- agent_leaderboard: the materialized view of the schema document, to the letter; its sums are multiplied.
--
-- Dialect  postgres
-- Grain    one row per agent

CREATE MATERIALIZED VIEW agent_leaderboard AS
SELECT
  u.id as agent_id,
  u.name as agent_name,
  u.avatar,
  ap.tier,
  COUNT(DISTINCT r.recruited_user_id) as total_referrals,
  COUNT(DISTINCT d.id) as total_deals,
  COALESCE(SUM(t.amount), 0) as total_earnings,
  ROW_NUMBER() OVER (ORDER BY COALESCE(SUM(t.amount), 0) DESC) as rank
FROM users u
JOIN agent_profiles ap ON u.id = ap.user_id
LEFT JOIN referrals r ON u.id = r.agent_id AND r.is_active = true
LEFT JOIN deals d ON (d.influencer_id = r.recruited_user_id OR d.sponsor_id = r.recruited_user_id)
LEFT JOIN transactions t ON t.to_user_id = u.id AND t.type = 'agent_commission'
GROUP BY u.id, u.name, u.avatar, ap.tier;
