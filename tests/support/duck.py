"""A warehouse filled by hand, row by row, for tests that look at a few rows of a few tables.

Belongs here: adding raw rows with little said about each, and changing what a metric holds.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import duckdb

from si_analytics import extract
from si_analytics.compute import checks, facts, metrics
from si_analytics.definitions import project

AS_OF = datetime(2026, 1, 1, tzinfo=UTC)
BEFORE = datetime(2025, 6, 1, tzinfo=UTC)
TICK = timedelta(microseconds=1)
DAY = timedelta(days=1)

METRIC_KEYS = {
    "agent_leaderboard": "agent_id",
    "agent_performance_metrics": "user_id",
    "agent_profile_summaries": "agent_id",
    "brand_reputations": "sponsor_id",
    "contact_engagement": "contact_id",
    "invite_template_usage": "template_id",
    "user_ratings": "user_id",
}

# What makes a row of these tables count, unless the test says otherwise.
_USUAL: dict[str, dict[str, Any]] = {
    "agent_bonuses": {"amount": Decimal("50.00"), "status": "paid", "earned_at": BEFORE},
    "deals": {"amount": Decimal("100.00"), "status": "completed", "created_at": BEFORE, "completed_at": BEFORE},
    "escrow_jobs": {"amount": Decimal("100.00"), "currency": "usd", "status": "locked", "created_at": BEFORE},
    "feed_activities": {"type": "deal", "created_at": BEFORE},
    "gig_applications": {"status": "pending", "applied_at": BEFORE},
    "gigs": {"status": "open", "created_at": BEFORE},
    "invites": {"method": "email", "status": "sent", "sent_at": BEFORE},
    "matches": {"matched_at": BEFORE},
    "messages": {"created_at": BEFORE},
    "negotiation_offers": {"status": "pending", "created_at": BEFORE},
    "negotiations": {"status": "open", "created_at": BEFORE},
    "notifications": {"type": "deal", "created_at": BEFORE},
    "referrals": {"recruited_at": BEFORE, "is_active": True},
    "saved_gigs": {"saved_at": BEFORE},
    "social_accounts": {"platform": "tiktok", "created_at": BEFORE},
    "token_withdrawal_requests": {"amount": Decimal("1.5"), "status": "completed", "requested_at": BEFORE},
    "transactions": {
        **{"type": "agent_commission", "status": "completed", "amount": Decimal("10.00")},
        **{"currency": "usd", "created_at": BEFORE},
    },
    "user_rewards": {"reward_type": "cash", "amount": Decimal("5.00"), "currency": "usd", "earned_at": BEFORE},
    "user_reviews": {"rating": Decimal("4.0"), "created_at": BEFORE},
    "users": {"name": "Ada", "role": "influencer", "is_active": True, "created_at": BEFORE},
    "withdrawals": {"amount": Decimal("20.00"), "currency": "usd", "status": "completed", "created_at": BEFORE},
}


def key(number: int) -> UUID:
    """The id of that number: readable in a failing test, ordered like its number."""
    return UUID(int=number)


def key_column(table: str) -> str:
    """The column a raw table is keyed by."""
    return project().sources[table].key


class Duck:
    """A warehouse in memory whose rows a test adds one by one."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self.connection = connection
        self._count = 0

    def add(self, table: str, **values: Any) -> UUID:
        """Add one row and return its key, a new one where none is given; what is not said is usual or null."""
        self._count += 1
        row = {key_column(table): key(self._count), **_USUAL.get(table, {}), **values}
        marks = ", ".join(f"${number}" for number in range(1, len(row) + 1))
        self.connection.execute(f"insert into raw.{table} ({', '.join(row)}) values ({marks})", list(row.values()))
        return row[key_column(table)]

    def agent(self, number: int) -> UUID:
        """Add a user of that number who is an agent."""
        self.add("users", id=key(number), role="agent")
        self.add("agent_profiles", user_id=key(number), tier="bronze")
        return key(number)

    def compute(self, **parameters: Any) -> None:
        """Store every fact, and compute every metric that a check reads, from the rows there are."""
        for table in facts.names():
            facts.compute(self.connection, table, _parameters(**parameters).window.as_of)
        for name in metrics.names():
            if name != "conversion_funnels":
                metrics.compute(self.connection, name, _parameters(**parameters))

    def check(self, name: str, **parameters: Any) -> checks.CheckResult:
        """Run one check as a refresh at AS_OF would."""
        return checks.run(self.connection, name, _parameters(**parameters).bound())

    def found(self, name: str, **parameters: Any) -> list[dict[str, Any]]:
        """The first ten rows a check finds."""
        return list(self.check(name, **parameters).sample)

    def keys(self, name: str, **parameters: Any) -> list[Any]:
        """The first column of the rows a check finds."""
        return [next(iter(row.values())) for row in self.found(name, **parameters)]

    def columns(self, kind: str) -> list[tuple[str, str]]:
        """The (table, column) pairs of the raw tables that are of that type."""
        return self.connection.sql(
            "select table_name, column_name from duckdb_columns()"
            " where schema_name = 'raw' and data_type = $kind order by all",
            params={"kind": kind},
        ).fetchall()

    @contextmanager
    def rows(self, table: str, *rows: dict[str, Any]) -> Iterator[UUID]:
        """Some rows of a raw table, which is empty after the block; the key of the first."""
        yield [self.add(table, **row) for row in rows][0]  # noqa: RUF015 (all of them are added)
        self.connection.execute(f"delete from raw.{table}")

    @contextmanager
    def kept(self, table: str) -> Iterator[None]:
        """What the block does to the rows of a table is undone after it."""
        self.connection.execute(f"create or replace temporary table kept as select * from {table}")
        yield
        self.connection.execute(f"delete from {table}")
        self.connection.execute(f"insert into {table} select * from kept")

    @contextmanager
    def undone(self) -> Iterator[Duck]:
        """Whatever is done within the block is undone at its end."""
        self.connection.begin()
        try:
            yield self
        finally:
            self.connection.rollback()


def two_of_each(duck: Duck) -> dict[str, list[UUID]]:
    """Add two agents, sponsors, contacts and templates; two keys of each metric."""
    agents = [duck.agent(1), duck.agent(2)]
    sponsors = [duck.add("users", id=key(number), role="sponsor") for number in (3, 4)]
    contacts = [duck.add("contacts", id=key(number), agent_id=agents[0]) for number in (5, 6)]
    templates = [duck.add("invite_templates", id=key(number), agent_id=agents[0]) for number in (7, 8)]
    return {
        **dict.fromkeys(("agent_leaderboard", "agent_performance_metrics", "agent_profile_summaries"), agents),
        "brand_reputations": sponsors,
        "contact_engagement": contacts,
        "invite_template_usage": templates,
        "user_ratings": [agents[1], sponsors[1]],
    }


def tables() -> tuple[str, ...]:
    """Every raw table."""
    return extract.tables()


def _parameters(as_of: datetime = AS_OF, currency: str = "usd", tz: str = "UTC") -> metrics.Parameters:
    return metrics.Parameters.all_time(as_of, currency, tz)
