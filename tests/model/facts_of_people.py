"""Section 9: the facts of people: who was invited, recruited, answered, reviewed, took part and signed up.

Belongs here: those six facts, and the table of all facts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from tests.model import facts, facts_of_attention, facts_of_payouts
from tests.model.facts import Fact, linked, not_later
from tests.model.leaderboard import agents
from tests.model.rules import existing, is_before, recruited_before, sent_invites
from tests.model.world import Row, World, by_key, grouped, rows


def invites(world: World, as_of: datetime) -> list[Fact]:
    """Sent invites. Opened, clicked and accepted by their times; accepted without one by the status.

    `conversion` is how long accepting took, null where that was before the sending or at no known time.
    """
    user = by_key(rows(world, "users"))
    every_deal = existing(world, "deals", as_of)
    found = []
    for row in sent_invites(world, as_of):
        joiner, accepted = row["converted_user_id"], row["accepted_at"]
        took = accepted - row["sent_at"] if is_before(accepted, as_of) and accepted >= row["sent_at"] else None
        attributes = {
            "method": row["method"],
            "status": row["status"],
            "is_accepted": row["status"] == "accepted" if accepted is None else accepted < as_of,
            "is_joined": joiner is not None and (joiner not in user or not_later(user[joiner]["created_at"], as_of)),
            "is_verified": is_verified(row, as_of),
            "is_completed": any(is_completed_deal_of(deal, row, as_of) for deal in every_deal),
        }
        values = {
            **{column: row[column] for column in ("opened_at", "clicked_at") if is_before(row[column], as_of)},
            "sent_at": row["sent_at"],
            "conversion": took,
        }
        links = linked(row, {"agent": "agent_id", "contact": "contact_id", "template": "template_id"})
        found.append(Fact((row["id"],), row["sent_at"], links, attributes, values))
    return found


def is_verified(invite: Row, as_of: datetime) -> bool:
    """Flagged as verified, and not only at or after as_of."""
    return bool(invite["is_verified"]) and not_later(invite["verified_at"], as_of)


def is_completed_deal_of(deal: Row, invite: Row, as_of: datetime) -> bool:
    """A deal of the user the invite brought, struck since the sending, and completed."""
    return (
        invite["converted_user_id"] is not None
        and invite["converted_user_id"] in (deal["influencer_id"], deal["sponsor_id"])
        and deal["created_at"] >= invite["sent_at"]
        and deal["status"] == "completed"
        and not_later(deal["completed_at"], as_of)
    )


def participations(world: World, as_of: datetime) -> list[Fact]:
    """A deal for each of its parties; one fact where both are one user."""
    return [
        Fact((deal["id"], party), deal["created_at"], {"user": party}, {}, {"user_id": party})
        for deal in existing(world, "deals", as_of)
        for party in {deal["influencer_id"], deal["sponsor_id"]}
    ]


def recruits(world: World, as_of: datetime) -> list[Fact]:
    """Active referrals of before as_of or of an unknown time, which is the time of the fact.

    Verified are those whom a verified invite of the same agent brought, sent or not yet.
    """
    verified = {
        (invite["agent_id"], invite["converted_user_id"])
        for invite in rows(world, "invites")
        if is_verified(invite, as_of) and not_later(invite["sent_at"], as_of)
    }
    found = []
    for row in rows(world, "referrals"):
        pair = (row["agent_id"], row["recruited_user_id"])
        if row["is_active"] and recruited_before(row, as_of):
            attributes = {"type": row["recruited_user_type"], "is_verified": pair in verified}
            links = {"agent": pair[0], "user": pair[1]}
            found.append(Fact((row["id"],), row["recruited_at"], links, attributes, {"pair": pair}))
    return found


def replies(world: World, as_of: datetime) -> list[Fact]:
    """Answers of agents in the conversations they take part in, each with how long the others waited."""
    everyone = set(agents(world))
    messages = grouped(existing(world, "messages", as_of), "conversation_id")
    found = []
    for conversation in rows(world, "conversations"):
        thread = sorted(messages.get(conversation["id"], []), key=lambda row: (row["created_at"], row["id"]))
        for agent in everyone.intersection(conversation["participants"] or ()):
            found += _replies_of(agent, thread)
    return found


def _replies_of(agent: Any, thread: Iterable[Row]) -> list[Fact]:
    """A run of messages by others, and then one by the agent, is a reply; the wait is from the first of the run."""
    found, asked = [], None
    for message in thread:
        moment = message["created_at"]
        if message["sender_id"] != agent:
            asked = asked or moment
        elif asked is not None:
            found.append(Fact((agent, message["id"]), moment, {"agent": agent}, {}, {"wait": moment - asked}))
            asked = None
    return found


def reviews(world: World, as_of: datetime) -> list[Fact]:
    """Reviews; by a recruit where the reviewed ever recruited the reviewer, before as_of or nobody knows when."""
    recruited = {
        (row["agent_id"], row["recruited_user_id"]) for row in rows(world, "referrals") if recruited_before(row, as_of)
    }
    found = []
    for row in existing(world, "user_reviews", as_of):
        about, by = row["reviewed_user_id"], row["reviewer_id"]
        links = {**dict.fromkeys(("user", "agent", "brand", "influencer"), about), "reviewer": by}
        attributes = {"is_by_recruit": (about, by) in recruited}
        found.append(Fact((row["id"],), row["created_at"], links, attributes, dict(row)))
    return found


def signups(world: World, as_of: datetime) -> list[Fact]:
    """Users with a time of signing up before as_of."""
    roles = ("user", "agent", "brand", "influencer")
    return [
        Fact((row["id"],), row["created_at"], dict.fromkeys(roles, row["id"]), {}, {})
        for row in rows(world, "users")
        if is_before(row["created_at"], as_of)
    ]


FACTS: dict[str, Callable[[World, datetime], list[Fact]]] = {
    **facts.FACTS,
    "invites": invites,
    "participations": participations,
    "recruits": recruits,
    "replies": replies,
    "reviews": reviews,
    "signups": signups,
    **facts_of_payouts.FACTS,
    **facts_of_attention.FACTS,
}
