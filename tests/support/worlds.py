"""Worlds made by hand, and the way of any world into Postgres and back.

Belongs here: a builder with defaults and readable ids, `insert`, `read`, `clear`; under one name with
them the strategies.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import psycopg
from psycopg import sql

from tests.model import COLUMNS, Row, World, empty, identity
from tests.support.marketplaces import marketplaces
from tests.support.moments import AS_OF, START, as_ofs, funnel_queries, windows, withins

__all__ = [
    "AS_OF",
    "START",
    "Build",
    "as_ofs",
    "at",
    "clear",
    "funnel_queries",
    "insert",
    "marketplaces",
    "only",
    "read",
    "windows",
    "withins",
]

# Columns that must be filled and that no metric reads; fictitious, and null-proof.
FILLED: dict[str, dict[str, Callable[[Row], Any]]] = {
    "users": {
        "email": lambda row: f"{row['id']}@example.org",
        "password_hash": lambda _: "-",
    },
    "influencer_profiles": {"categories": lambda _: []},
    "gigs": {
        "title": lambda _: "A gig",
        "description": lambda _: "-",
        "budget_min": lambda _: Decimal(1),
        "budget_max": lambda _: Decimal(2),
        "influencer_types": lambda _: [],
    },
    "negotiation_offers": {"amount": lambda _: Decimal(1)},
    "messages": {"content": lambda _: "-"},
    "contacts": {"name": lambda _: "A contact"},
    "invite_templates": {"message": lambda _: "-"},
    "invites": {"referral_code": lambda _: "CODE", "message": lambda _: "-"},
    "withdrawals": {"destination": lambda _: "-"},
    "user_rewards": {"reward_definition_id": lambda _: DEFINITION, "reward_name": lambda _: "A reward"},
    "agent_bonuses": {"period_start": lambda _: START.date(), "period_end": lambda _: START.date()},
    "feed_activities": {"title": lambda _: "-"},
    "social_accounts": {"username": lambda _: "-", "url": lambda _: "-"},
    "notifications": {"title": lambda _: "-", "message": lambda _: "-"},
}
DEFINITION = UUID(int=1)
"""The one definition that all rewards are of."""
_DEFINED = """
with added as (
    insert into public.reward_triggers (id, type, name, conditions)
    values (%(id)s, '-', '-', '{}') on conflict do nothing
)
insert into public.reward_definitions (id, trigger_id, name, reward_type)
values (%(id)s, %(id)s, '-', 'points') on conflict do nothing
"""


def at(text: str) -> datetime:
    """A moment in UTC: ``at("2026-03-01")``, ``at("2026-03-01 10:30")``."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def only(rows: list[Row], **wanted: Any) -> Row:
    """The one row that has these values."""
    found = [row for row in rows if all(row[name] == value for name, value in wanted.items())]
    assert len(found) == 1, f"{len(found)} rows have {wanted}"
    return found[0]


class Build:
    """A world under construction: each method adds one row and gives its id.

    Every column of the row can be named; an explicit None stays None. Ids count from 1 in each
    table (`identity("users", 1)`). What is not named happens at START and is the plain case.
    """

    def __init__(self) -> None:
        self.world: World = empty()
        self._gigs: dict[UUID, UUID] = {}
        self._contacts: dict[UUID, UUID] = {}

    def _add(self, table: str, defaults: Row, given: Row) -> Any:
        row = {**defaults, **given}
        if "id" in COLUMNS[table]:
            row = {"id": identity(table, len(self.world[table]) + 1), **row}
        if set(row) != set(COLUMNS[table]):
            raise TypeError(f"{table}: {sorted(set(row) ^ set(COLUMNS[table]))}")
        self.world[table].append(row)
        return row.get("id", row.get("user_id"))

    def user(self, role: str, **given: Any) -> UUID:
        name = f"{role.capitalize()} {len(self.world['users']) + 1}"
        added: UUID = self._add("users", {"name": name, "role": role, "avatar": None, "created_at": START}, given)
        return added

    def agent(self, tier: str | None = "bronze", specialties: list[str | None] | None = None, **given: Any) -> UUID:
        """A user with the role and the profile of an agent."""
        return self.agent_profile(self.user("agent", **given), tier, specialties)

    def agent_profile(
        self, user: UUID, tier: str | None = "bronze", specialties: list[str | None] | None = None
    ) -> UUID:
        profile = {"user_id": user, "tier": tier, "specialties": specialties}
        added: UUID = self._add("agent_profiles", profile, {})
        return added

    def sponsor(
        self, company: str | None = "Acme", industry: str | None = None, location: str | None = None, **given: Any
    ) -> UUID:
        """A user with the role sponsor and, unless the company is None, a sponsor's profile."""
        user = self.user("sponsor", **given)
        if company is not None:
            profile = {"user_id": user, "company": company, "industry": industry, "location": location}
            self._add("sponsor_profiles", profile, {})
        return user

    def influencer(self, influencer_type: str | None = None, location: str | None = None, **given: Any) -> UUID:
        user = self.user("influencer", **given)
        profile = {"user_id": user, "influencer_type": influencer_type, "location": location}
        self._add("influencer_profiles", profile, {})
        return user

    def gig(self, sponsor: UUID, **given: Any) -> UUID:
        defaults = {"sponsor_id": sponsor, "categories": [], "location": None, "status": "open", "created_at": START}
        added: UUID = self._add("gigs", defaults, given)
        return added

    def application(self, gig: UUID, influencer: UUID, **given: Any) -> UUID:
        defaults = {"status": "pending", "applied_at": START, "reviewed_at": None}
        added: UUID = self._add("gig_applications", {"gig_id": gig, "influencer_id": influencer, **defaults}, given)
        return added

    def deal(self, influencer: UUID, sponsor: UUID, gig: UUID | None = None, **given: Any) -> UUID:
        """A deal of that gig, or of one gig of the sponsor's that all such deals share."""
        if gig is None:
            gig = self._gigs.get(sponsor) or self._gigs.setdefault(sponsor, self.gig(sponsor))
        parties = {"gig_id": gig, "influencer_id": influencer, "sponsor_id": sponsor}
        defaults = {"amount": Decimal("100.00"), "status": "active", "created_at": START, "completed_at": None}
        added: UUID = self._add("deals", {**parties, **defaults}, given)
        return added

    def negotiation(self, gig: UUID, influencer: UUID, sponsor: UUID, **given: Any) -> UUID:
        parties = {"gig_id": gig, "influencer_id": influencer, "sponsor_id": sponsor}
        added: UUID = self._add("negotiations", {**parties, "status": "open", "created_at": START}, given)
        return added

    def offer(self, negotiation: UUID, author: UUID, **given: Any) -> UUID:
        defaults = {"status": "pending", "created_at": START, "responded_at": None}
        offer = {"negotiation_id": negotiation, "from_user_id": author, **defaults}
        added: UUID = self._add("negotiation_offers", offer, given)
        return added

    def conversation(self, *participants: UUID | None) -> UUID:
        added: UUID = self._add("conversations", {"participants": list(participants)}, {})
        return added

    def message(self, conversation: UUID, sender: UUID, created_at: datetime | None, **given: Any) -> UUID:
        message = {"conversation_id": conversation, "sender_id": sender, "created_at": created_at}
        added: UUID = self._add("messages", message, given)
        return added

    def transaction(self, to_user: UUID | None, amount: str, **given: Any) -> UUID:
        """A completed commission of an agent's, in dollars, unless named otherwise."""
        defaults = {"type": "agent_commission", "job_id": None, "currency": "usd", "status": "completed"}
        paid = {"from_user_id": None, "to_user_id": to_user, "amount": Decimal(amount), "created_at": START}
        added: UUID = self._add("transactions", {**defaults, "gig_id": None, **paid}, given)
        return added

    def escrow_job(self, application: UUID, **given: Any) -> UUID:
        """An escrow job of that application, between the parties of its gig."""
        applied = next(row for row in self.world["gig_applications"] if row["id"] == application)
        gig = next(row for row in self.world["gigs"] if row["id"] == applied["gig_id"])
        parties = {"sponsor_id": gig["sponsor_id"], "influencer_id": applied["influencer_id"]}
        money = {"amount": Decimal("100.00"), "currency": "usd", "status": "pending_payment", "created_at": START}
        moments = dict.fromkeys(("locked_at", "work_submitted_at", "approved_at", "released_at"))
        job = {"gig_id": gig["id"], "application_id": application, **parties, **money, **moments}
        added: UUID = self._add("escrow_jobs", job, given)
        return added

    def referral(self, agent: UUID, recruit: UUID, **given: Any) -> UUID:
        defaults = {"recruited_user_type": "influencer", "recruited_at": START, "is_active": True}
        added: UUID = self._add("referrals", {"agent_id": agent, "recruited_user_id": recruit, **defaults}, given)
        return added

    def contact(self, agent: UUID, **given: Any) -> UUID:
        added: UUID = self._add("contacts", {"agent_id": agent, "source": "manual", "segment": None}, given)
        return added

    def template(self, name: str = "Hello", variant: str | None = None, **given: Any) -> UUID:
        added: UUID = self._add("invite_templates", {"agent_id": None, "name": name, "ab_test_variant": variant}, given)
        return added

    def invite(self, agent: UUID, contact: UUID | None = None, **given: Any) -> UUID:
        """An invite sent to that contact, or to one contact of the agent's that all such invites share."""
        if contact is None:
            contact = self._contacts.get(agent) or self._contacts.setdefault(agent, self.contact(agent))
        nothing = ("template_id", "opened_at", "clicked_at", "accepted_at", "verified_at", "converted_user_id")
        defaults = {"method": "email", "status": "sent", "sent_at": START, "is_verified": False}
        invite = {"agent_id": agent, "contact_id": contact, **defaults, **dict.fromkeys(nothing)}
        added: UUID = self._add("invites", invite, given)
        return added

    def review(self, reviewer: UUID, about: UUID, rating: str, **given: Any) -> UUID:
        parts = dict.fromkeys(("payment_speed_rating", "communication_rating", "professionalism_rating"))
        parties = {"deal_id": None, "reviewer_id": reviewer, "reviewed_user_id": about}
        added: UUID = self._add(
            "user_reviews", {**parties, "rating": Decimal(rating), **parts, "created_at": START}, given
        )
        return added

    def withdrawal(self, user: UUID, amount: str, **given: Any) -> UUID:
        """A completed withdrawal, in dollars, unless named otherwise."""
        money = {"amount": Decimal(amount), "currency": "usd", "method": "stripe"}
        defaults = {"status": "completed", "created_at": START, "completed_at": None}
        added: UUID = self._add("withdrawals", {"user_id": user, **money, **defaults}, given)
        return added

    def reward(self, user: UUID, amount: str | None = None, **given: Any) -> UUID:
        """A reward in cash with that amount; without an amount a badge."""
        kind = {"reward_type": "badge", "amount": None, "currency": None}
        if amount is not None:
            kind = {"reward_type": "cash", "amount": Decimal(amount), "currency": "usd"}
        added: UUID = self._add(
            "user_rewards", {"user_id": user, **kind, "status": "completed", "earned_at": START}, given
        )
        return added

    def bonus(self, agent: UUID, amount: str, **given: Any) -> UUID:
        kind = {"period": "monthly", "bonus_type": "performance", "amount": Decimal(amount)}
        defaults = {"status": "paid", "earned_at": START, "paid_at": None}
        added: UUID = self._add("agent_bonuses", {"agent_id": agent, **kind, **defaults}, given)
        return added

    def wallet(self, user: UUID, address: str = "0x1", network: str = "ethereum") -> UUID:
        added: UUID = self._add("connected_wallets", {"user_id": user, "address": address, "network": network}, {})
        return added

    def token_withdrawal(self, user: UUID, amount: str, address: str = "0x1", **given: Any) -> UUID:
        asked = {"user_id": user, "wallet_address": address, "amount": Decimal(amount)}
        defaults = {"status": "completed", "requested_at": START, "processed_at": None}
        added: UUID = self._add("token_withdrawal_requests", {**asked, **defaults}, given)
        return added

    def match(self, user: UUID, target: UUID, gig: UUID | None = None, **given: Any) -> UUID:
        pair = {"user_id": user, "target_id": target, "gig_id": gig, "matched_at": START}
        added: UUID = self._add("matches", pair, given)
        return added

    def save(self, user: UUID, gig: UUID, **given: Any) -> UUID:
        added: UUID = self._add("saved_gigs", {"user_id": user, "gig_id": gig, "saved_at": START}, given)
        return added

    def activity(self, kind: str, user: UUID | None = None, **given: Any) -> UUID:
        defaults = {"type": kind, "user_id": user, "gig_id": None, "created_at": START}
        added: UUID = self._add("feed_activities", defaults, given)
        return added

    def social_account(self, user: UUID, platform: str = "instagram", **given: Any) -> UUID:
        defaults = {"followers": 0, "is_verified": False, "verified_at": None, "created_at": START}
        added: UUID = self._add("social_accounts", {"user_id": user, "platform": platform, **defaults}, given)
        return added

    def notification(self, user: UUID, kind: str = "deal", **given: Any) -> UUID:
        defaults = {"type": kind, "priority": "medium", "read": False, "created_at": START}
        added: UUID = self._add("notifications", {"user_id": user, **defaults}, given)
        return added


def insert(connection: psycopg.Connection[Any], world: World) -> None:
    """Write a world into empty operational tables, in one transaction; what is None becomes null."""
    with connection.transaction(), connection.cursor() as cursor:
        for table, columns in COLUMNS.items():
            rows, filled = world.get(table, []), FILLED.get(table, {})
            if not rows:
                continue
            if table == "user_rewards":
                cursor.execute(_DEFINED, {"id": DEFINITION})
            names = sql.SQL(", ").join(map(sql.Identifier, (*columns, *filled)))
            with cursor.copy(sql.SQL("copy public.{} ({}) from stdin").format(sql.Identifier(table), names)) as copy:
                for row in rows:
                    copy.write_row([*(row[column] for column in columns), *(fill(row) for fill in filled.values())])


def read(connection: psycopg.Connection[Any]) -> World:
    """The world that stands in Postgres: the columns the model reads, every row, by key, in one snapshot."""
    world = empty()
    with connection.transaction(), connection.cursor() as cursor:
        cursor.execute("set transaction isolation level repeatable read")
        for table, columns in COLUMNS.items():
            names = sql.SQL(", ").join(map(sql.Identifier, columns))
            cursor.execute(sql.SQL("select {} from public.{} order by 1").format(names, sql.Identifier(table)))
            world[table] = [dict(zip(columns, map(_in_utc, row), strict=True)) for row in cursor]
    return world


def clear(connection: psycopg.Connection[Any]) -> None:
    """Delete every row that `insert` can have written, and what hangs on it."""
    with connection.transaction():
        for table in reversed(COLUMNS):
            connection.execute(sql.SQL("delete from public.{}").format(sql.Identifier(table)))


def _in_utc(value: Any) -> Any:
    return value.astimezone(UTC) if isinstance(value, datetime) else value
