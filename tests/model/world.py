"""A world: the operational rows a metric may read, and how to find them.

Belongs here: which columns the model reads, and indexes over rows. No metric, no rule of the
contract.

A row is a dict of Python values: uuid.UUID, Decimal, aware UTC datetime, bool, str, list, None.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any
from uuid import UUID

Row = dict[str, Any]
World = dict[str, list[Row]]

# In an order in which foreign keys can be filled; no personal column beyond a display name.
COLUMNS: dict[str, tuple[str, ...]] = {
    "users": ("id", "name", "role", "avatar", "created_at"),
    "influencer_profiles": ("user_id", "influencer_type", "location"),
    "sponsor_profiles": ("user_id", "company", "industry", "location"),
    "agent_profiles": ("user_id", "tier", "specialties"),
    "gigs": ("id", "sponsor_id", "categories", "location", "status", "created_at"),
    "gig_applications": ("id", "gig_id", "influencer_id", "status", "applied_at", "reviewed_at"),
    "deals": ("id", "gig_id", "influencer_id", "sponsor_id", "amount", "status", "created_at", "completed_at"),
    "negotiations": ("id", "gig_id", "influencer_id", "sponsor_id", "status", "created_at"),
    "negotiation_offers": ("id", "negotiation_id", "from_user_id", "status", "created_at", "responded_at"),
    "conversations": ("id", "participants"),
    "messages": ("id", "conversation_id", "sender_id", "created_at"),
    "transactions": (
        *("id", "type", "job_id", "gig_id", "from_user_id", "to_user_id", "amount", "currency", "status", "created_at"),
    ),
    "escrow_jobs": (
        *("id", "gig_id", "application_id", "sponsor_id", "influencer_id", "amount", "currency", "status"),
        *("locked_at", "work_submitted_at", "approved_at", "released_at", "created_at"),
    ),
    "referrals": ("id", "agent_id", "recruited_user_id", "recruited_user_type", "recruited_at", "is_active"),
    "contacts": ("id", "agent_id", "source", "segment"),
    "invite_templates": ("id", "agent_id", "name", "ab_test_variant"),
    "invites": (
        *("id", "agent_id", "contact_id", "method", "status", "template_id", "sent_at", "opened_at", "clicked_at"),
        *("accepted_at", "is_verified", "verified_at", "converted_user_id"),
    ),
    "user_reviews": (
        *("id", "deal_id", "reviewer_id", "reviewed_user_id", "rating", "payment_speed_rating"),
        *("communication_rating", "professionalism_rating", "created_at"),
    ),
    "withdrawals": ("id", "user_id", "amount", "currency", "method", "status", "created_at", "completed_at"),
    "user_rewards": ("id", "user_id", "reward_type", "amount", "currency", "status", "earned_at"),
    "agent_bonuses": ("id", "agent_id", "period", "bonus_type", "amount", "status", "earned_at", "paid_at"),
    "connected_wallets": ("id", "user_id", "address", "network"),
    "token_withdrawal_requests": (
        *("id", "user_id", "wallet_address", "amount", "status", "requested_at", "processed_at"),
    ),
    "matches": ("id", "user_id", "target_id", "gig_id", "matched_at"),
    "saved_gigs": ("id", "user_id", "gig_id", "saved_at"),
    "feed_activities": ("id", "type", "user_id", "gig_id", "created_at"),
    "social_accounts": ("id", "user_id", "platform", "followers", "is_verified", "verified_at", "created_at"),
    "notifications": ("id", "user_id", "type", "priority", "read", "created_at"),
}


def identity(table: str, number: int) -> UUID:
    """A readable id: ``0000000a-0000-0000-0000-000000000003`` is row 3 of the tenth table."""
    place = list(COLUMNS).index(table) + 1
    return UUID(int=(place << 96) | number)


def empty() -> World:
    """A world in which nothing is."""
    return {table: [] for table in COLUMNS}


def rows(world: World, table: str) -> list[Row]:
    """The rows of a table; a table that is not given has none."""
    return world.get(table, [])


def by_key(found: Iterable[Row], column: str = "id") -> dict[Any, Row]:
    """Rows by a column that is unique in them."""
    return {row[column]: row for row in found}


def grouped(found: Iterable[Row], *columns: str) -> dict[Any, list[Row]]:
    """Rows by a column, or by a tuple of columns; a key without rows gives an empty list."""
    groups: dict[Any, list[Row]] = defaultdict(list)
    for row in found:
        key = row[columns[0]] if len(columns) == 1 else tuple(row[column] for column in columns)
        groups[key].append(row)
    return groups
