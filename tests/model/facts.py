"""Section 9: the facts, one per thing counted.

Belongs here: what a fact is, and the facts of work and of the money paid for it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tests.model.rules import currency_of, existing, is_before, recruited_before
from tests.model.world import Row, World, rows

WORK_LINKS = {"brand": "sponsor_id", "influencer": "influencer_id", "gig": "gig_id"}
# For each fact the roles it links to, each with the dimension that holds who plays it.
LINKS: dict[str, dict[str, str]] = {
    "applications": {"influencer": "influencer", "gig": "gig"},
    "attributed_deals": {"agent": "agent", "brand": "brand", "influencer": "influencer", "gig": "gig"},
    "completed_deals": {"brand": "brand", "influencer": "influencer", "gig": "gig"},
    "deals": {"brand": "brand", "influencer": "influencer", "gig": "gig"},
    "invites": {"agent": "agent", "contact": "contact", "template": "template"},
    "participations": {"user": "user"},
    "payments": {"agent": "agent", "user": "user", "payer": "user", "gig": "gig"},
    "recruits": {"agent": "agent", "user": "user"},
    "releases": {"brand": "brand", "influencer": "influencer", "gig": "gig"},
    "replies": {"agent": "agent"},
    "reviews": {"user": "user", "agent": "agent", "brand": "brand", "influencer": "influencer", "reviewer": "user"},
    "signups": {"user": "user", "agent": "agent", "brand": "brand", "influencer": "influencer"},
    "withdrawals": {"user": "user", "agent": "agent"},
    "pending_commissions": {"agent": "agent", "user": "user", "payer": "user", "gig": "gig"},
    "escrow_open": {"brand": "brand", "influencer": "influencer", "gig": "gig"},
    "rewards": {"user": "user"},
    "bonuses": {"agent": "agent"},
    "token_withdrawals": {"user": "user"},
    "matches": {"user": "user", "target": "user", "gig": "gig"},
    "saves": {"user": "user", "gig": "gig"},
    "messages_sent": {"user": "user"},
    "activities": {"user": "user", "gig": "gig"},
    "social_accounts": {"user": "user", "influencer": "influencer"},
    "notifications": {"user": "user"},
}
# Of its own a fact can be grouped by these.
ATTRIBUTES: dict[str, tuple[str, ...]] = {
    "applications": ("is_reviewed", "is_approved", "is_completed", "is_paid"),
    "attributed_deals": ("status",),
    "completed_deals": (),
    "deals": ("status",),
    "invites": ("method", "status", "is_accepted", "is_joined", "is_verified", "is_completed"),
    "participations": (),
    "payments": ("type", "currency"),
    "recruits": ("type", "is_verified"),
    "releases": ("currency",),
    "replies": (),
    "reviews": ("is_by_recruit",),
    "signups": (),
    "withdrawals": ("method", "currency", "status", "is_completed", "is_pending"),
    "pending_commissions": ("currency",),
    "escrow_open": ("age", "status", "currency"),
    "rewards": ("type", "currency", "status"),
    "bonuses": ("period", "type", "status", "is_paid"),
    "token_withdrawals": ("status", "is_completed", "network"),
    "matches": ("has_gig",),
    "saves": (),
    "messages_sent": (),
    "activities": ("type",),
    "social_accounts": ("platform", "is_verified"),
    "notifications": ("type", "priority", "is_read"),
}
HAVE_A_CURRENCY = ("payments", "releases")


@dataclass(frozen=True)
class Fact:
    """One thing counted: its key, its time, whom it links to, what it is grouped by and what is added up.

    `known_since` is a second time that has to lie before the end of a window, or be null.
    """

    key: tuple[Any, ...]
    time: datetime | None
    links: dict[str, Any]
    attributes: dict[str, Any]
    values: dict[str, Any]
    known_since: datetime | None = None


def linked(row: Row, columns: dict[str, str]) -> dict[str, Any]:
    """Of each role the id that the row names for it."""
    return {role: row[column] for role, column in columns.items()}


def applications(world: World, as_of: datetime) -> list[Fact]:
    """Gig applications; approved by status, unless that was at or after as_of.

    Completed by a deal of the same gig and influencer, paid by an escrow job of its own.
    """
    completed = {
        (deal["gig_id"], deal["influencer_id"])
        for deal in existing(world, "deals", as_of)
        if deal["status"] == "completed" and not_later(deal["completed_at"], as_of)
    }
    paid = {
        job["application_id"]
        for job in existing(world, "escrow_jobs", as_of)
        if job["status"] == "released" and not_later(job["released_at"], as_of)
    }
    return [
        Fact(
            (row["id"],),
            row["applied_at"],
            linked(row, {"influencer": "influencer_id", "gig": "gig_id"}),
            {
                "is_reviewed": is_before(row["reviewed_at"], as_of)
                if row["reviewed_at"] is not None
                else row["status"] not in (None, "pending"),
                "is_approved": row["status"] == "approved" and not_later(row["reviewed_at"], as_of),
                "is_completed": row["gig_id"] is not None and (row["gig_id"], row["influencer_id"]) in completed,
                "is_paid": row["id"] in paid,
            },
            {"influencer_id": row["influencer_id"]},
        )
        for row in existing(world, "gig_applications", as_of)
    ]


def deals(world: World, as_of: datetime) -> list[Fact]:
    """Deals of any status, at the time they were struck."""
    return [
        Fact((row["id"],), row["created_at"], linked(row, WORK_LINKS), {"status": row["status"]}, dict(row))
        for row in existing(world, "deals", as_of)
    ]


def completed_deals(world: World, as_of: datetime) -> list[Fact]:
    """Deals with status completed and a time of completion before as_of, at that time."""
    return [
        Fact((row["id"],), row["completed_at"], linked(row, WORK_LINKS), {}, dict(row))
        for row in existing(world, "deals", as_of)
        if row["status"] == "completed" and is_before(row["completed_at"], as_of)
    ]


def attributed_deals(world: World, as_of: datetime) -> list[Fact]:
    """A deal for each agent of whom a party is an active recruit; known since the earliest of the recruitments."""
    recruited: dict[Any, list[Row]] = defaultdict(list)
    for row in rows(world, "referrals"):
        if row["is_active"] and recruited_before(row, as_of):
            recruited[row["recruited_user_id"]].append(row)
    found = []
    for deal in existing(world, "deals", as_of):
        times: dict[Any, list[datetime | None]] = defaultdict(list)
        for party in {deal["influencer_id"], deal["sponsor_id"]}:
            for row in recruited.get(party, []):
                times[row["agent_id"]].append(row["recruited_at"])
        for agent, moments in times.items():
            links = {"agent": agent, **linked(deal, WORK_LINKS)}
            status = {"status": deal["status"]}
            found.append(Fact((agent, deal["id"]), deal["created_at"], links, status, dict(deal), earliest_of(moments)))
    return found


def earliest_of(moments: Iterable[datetime | None]) -> datetime | None:
    """The earliest moment; a null among them means always, which is earlier than any."""
    known = list(moments)
    return None if None in known else min(moment for moment in known if moment is not None)


def payments(world: World, as_of: datetime) -> list[Fact]:
    """Completed transactions of every type, at the time they were made."""
    columns = {"agent": "to_user_id", "user": "to_user_id", "payer": "from_user_id", "gig": "gig_id"}
    return [
        Fact(
            (row["id"],),
            row["created_at"],
            linked(row, columns),
            {"type": row["type"], "currency": currency_of(row)},
            {"type": row["type"], "amount": row["amount"]},
        )
        for row in existing(world, "transactions", as_of)
        if row["status"] == "completed"
    ]


def releases(world: World, as_of: datetime) -> list[Fact]:
    """Escrow jobs with status released and a time of release before as_of, at that time.

    `payment` is how long the brand took, null where the work was submitted after the release or nobody knows when.
    """
    found = []
    for row in existing(world, "escrow_jobs", as_of):
        submitted, released = row["work_submitted_at"], row["released_at"]
        if row["status"] != "released" or not is_before(released, as_of):
            continue
        took = released - submitted if submitted is not None and submitted <= released else None
        values = {"amount": row["amount"], "payment": took}
        found.append(Fact((row["id"],), released, linked(row, WORK_LINKS), {"currency": currency_of(row)}, values))
    return found


def not_later(own_time: datetime | None, as_of: datetime) -> bool:
    """Whether a status with its own time holds at as_of: at an unknown time it does."""
    return own_time is None or own_time < as_of


FACTS: dict[str, Callable[[World, datetime], list[Fact]]] = {
    "applications": applications,
    "attributed_deals": attributed_deals,
    "completed_deals": completed_deals,
    "deals": deals,
    "payments": payments,
    "releases": releases,
}
