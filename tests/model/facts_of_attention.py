"""Section 9: the facts of what users look at: whom and what they like, write, show and are told.

Belongs here: matches, saves, messages sent, activities, social accounts, notifications.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from tests.model.facts import Fact, linked, not_later
from tests.model.rules import existing
from tests.model.world import World


def matches(world: World, as_of: datetime) -> list[Fact]:
    """Matches; whoever swiped first, two users are one pair."""
    columns = {"user": "user_id", "target": "target_id", "gig": "gig_id"}
    return [
        Fact(
            (row["id"],),
            row["matched_at"],
            linked(row, columns),
            {"has_gig": row["gig_id"] is not None},
            {"pair": frozenset((row["user_id"], row["target_id"]))},
        )
        for row in existing(world, "matches", as_of)
    ]


def saves(world: World, as_of: datetime) -> list[Fact]:
    """Gigs that users saved."""
    return [
        Fact((row["id"],), row["saved_at"], linked(row, {"user": "user_id", "gig": "gig_id"}), {}, {})
        for row in existing(world, "saved_gigs", as_of)
    ]


def messages_sent(world: World, as_of: datetime) -> list[Fact]:
    """Messages, of whoever sent them."""
    return [
        Fact((row["id"],), row["created_at"], {"user": row["sender_id"]}, {}, {})
        for row in existing(world, "messages", as_of)
    ]


def activities(world: World, as_of: datetime) -> list[Fact]:
    """What the feed tells."""
    columns = {"user": "user_id", "gig": "gig_id"}
    return [
        Fact((row["id"],), row["created_at"], linked(row, columns), {"type": row["type"]}, {})
        for row in existing(world, "feed_activities", as_of)
    ]


def social_accounts(world: World, as_of: datetime) -> list[Fact]:
    """Accounts on platforms; verified ones are so by verified_at where it is set."""
    return [
        Fact(
            (row["id"],),
            row["created_at"],
            dict.fromkeys(("user", "influencer"), row["user_id"]),
            {
                "platform": row["platform"],
                "is_verified": bool(row["is_verified"]) and not_later(row["verified_at"], as_of),
            },
            {"followers": row["followers"]},
        )
        for row in existing(world, "social_accounts", as_of)
    ]


def notifications(world: World, as_of: datetime) -> list[Fact]:
    """What users were told; a null flag is not read."""
    return [
        Fact(
            (row["id"],),
            row["created_at"],
            {"user": row["user_id"]},
            {"type": row["type"], "priority": row["priority"], "is_read": bool(row["read"])},
            {},
        )
        for row in existing(world, "notifications", as_of)
    ]


FACTS: dict[str, Callable[[World, datetime], list[Fact]]] = {
    "matches": matches,
    "saves": saves,
    "messages_sent": messages_sent,
    "activities": activities,
    "social_accounts": social_accounts,
    "notifications": notifications,
}
