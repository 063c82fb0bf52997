"""Missing values: rare nulls wherever the schema allows them.

Belongs here: the columns that are nearly always filled but may be empty.

Other modules leave columns empty that are often empty by nature, such as moments still to come. The columns
that sums of money depend on (type, amount, status of a transaction) never get a null here.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from si_analytics.sample import columns
from si_analytics.sample.randomness import Stream

_SHARE = 0.002
_ENOUGH_ROWS = 8

_RARELY_EMPTY: dict[str, str] = {
    "users": "created_at updated_at is_active rating review_count stripe_onboarding_complete "
    "stripe_verification_status email_verified",
    "influencer_profiles": "followers engagement_rate payment_preferences created_at updated_at",
    "social_accounts": "followers is_verified created_at",
    "sponsor_profiles": "created_at updated_at",
    "agent_profiles": "is_subscribed tier verification_level email_verified phone_verified id_verified "
    "total_earnings recruit_satisfaction_count created_at updated_at",
    "admin_profiles": "created_at updated_at",
    "refresh_tokens": "created_at",
    "gigs": "status created_at updated_at",
    "gig_applications": "status applied_at",
    "deals": "agent_commission status created_at updated_at",
    "saved_gigs": "saved_at",
    "gig_comparisons": "created_at updated_at",
    "negotiations": "status created_at updated_at",
    "negotiation_offers": "status created_at",
    "conversations": "created_at updated_at",
    "messages": "created_at read_by",
    "user_balances": "last_updated",
    "transactions": "fee created_at",
    "escrow_jobs": "status created_at updated_at",
    "withdrawals": "currency status created_at",
    "referrals": "recruited_at total_commissions_earned is_active",
    "contacts": "added_at",
    "invite_templates": "is_default times_used created_at updated_at",
    "contact_engagement": "total_invites_sent opened_count clicked_count response_rate updated_at",
    "invites": "status is_verified created_at",
    "contact_reminders": "status created_at",
    "agent_bonuses": "status earned_at",
    "auto_payouts": "is_active created_at updated_at",
    "agent_performance_metrics": "total_deals total_referrals verified_referrals total_earnings "
    "last_calculated_at updated_at",
    "brand_reputations": "overall_rating payment_speed_rating communication_rating professionalism_rating "
    "total_deals review_count updated_at",
    "reward_triggers": "is_active created_at updated_at",
    "reward_definitions": "is_active created_at updated_at",
    "user_rewards": "status earned_at",
    "user_achievements": "unlocked_at",
    "connected_wallets": "is_connected is_verified connected_at created_at",
    "impact_token_balances": "balance locked_balance total_earned total_withdrawn last_updated",
    "token_withdrawal_requests": "status requested_at",
    "feed_activities": "created_at",
    "notifications": "priority read created_at",
    "matches": "matched_at",
    "user_reviews": "created_at updated_at",
}


def leave(seed: int, made: dict[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    """Returns the frames with a few values removed; from a long enough column always at least one."""
    return {table: _with_gaps(seed, table, frame) for table, frame in made.items()}


def _with_gaps(seed: int, table: str, frame: pl.DataFrame) -> pl.DataFrame:
    rows = len(frame)
    if rows < _ENOUGH_ROWS:
        return frame
    stream = Stream(seed, f"{table}: gaps")
    emptied = []
    for name in _RARELY_EMPTY.get(table, "").split():
        present = np.ones(rows, dtype=np.bool_)
        present[stream.between(max(round(rows * _SHARE), 1), 0, rows)] = False
        emptied.append(columns.where(present, frame[name]).alias(name))
    return frame.with_columns(emptied)
