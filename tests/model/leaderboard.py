"""Sections 1 and 2: attribution and the leaderboard.

Belongs here: who recruited whom, what that is worth, and the board made of it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from typing import Any
from uuid import UUID

from tests.model.rules import (
    currency_of,
    existing,
    half_away,
    in_window,
    recruited_before,
    reporting,
    utc,
    window,
    window_before,
)
from tests.model.world import Row, World, by_key, rows


@dataclass(frozen=True)
class Standing:
    """One agent's three figures in one window."""

    total_earnings: Fraction
    total_deals: int
    total_referrals: int

    @property
    def is_nothing(self) -> bool:
        return self == Standing(Fraction(0), 0, 0)


def agents(world: World) -> list[UUID]:
    """An agent is a user with a row in agent_profiles, whatever the role; a profile without its user is none."""
    users = {row["id"] for row in rows(world, "users")}
    return sorted(row["user_id"] for row in rows(world, "agent_profiles") if row["user_id"] in users)


def active_recruits(world: World, until: datetime) -> dict[UUID, set[UUID]]:
    """Active recruits: is_active is true (null is not), recruited before until or at an unknown time."""
    recruits: dict[UUID, set[UUID]] = defaultdict(set)
    for row in rows(world, "referrals"):
        if row["is_active"] and recruited_before(row, until):
            recruits[row["agent_id"]].add(row["recruited_user_id"])
    return recruits


def attributed_deals(world: World, as_of: datetime, since: datetime | None, until: datetime) -> dict[UUID, set[UUID]]:
    """Deals created in the window with an active recruit on either side, once per agent, any status."""
    deals_of_user: dict[UUID, set[UUID]] = defaultdict(set)
    for deal in existing(world, "deals", as_of):
        if in_window(deal["created_at"], since, until):
            deals_of_user[deal["influencer_id"]].add(deal["id"])
            deals_of_user[deal["sponsor_id"]].add(deal["id"])
    return {
        agent: set().union(*(deals_of_user[recruit] for recruit in recruits))
        for agent, recruits in active_recruits(world, until).items()
    }


def commissions(
    world: World, as_of: datetime, since: datetime | None, until: datetime, currency: str
) -> dict[UUID, Fraction]:
    """Completed agent_commission in the reporting currency, in the window, to the agent; fee not deducted."""
    earned: dict[UUID, Fraction] = defaultdict(Fraction)
    for row in existing(world, "transactions", as_of):
        if (
            row["type"] == "agent_commission"
            and row["status"] == "completed"
            and currency_of(row) == reporting(currency)
            and in_window(row["created_at"], since, until)
        ):
            earned[row["to_user_id"]] += Fraction(row["amount"])
    return earned


def standings(
    world: World, as_of: datetime, since: datetime | None, until: datetime, currency: str
) -> dict[UUID, Standing]:
    """Every agent's figures: with since, only recruits of the window are counted as referrals.

    (Deals are attributed through all recruits of before until, whenever recruited.)
    """
    earned = commissions(world, as_of, since, until, currency)
    deals = attributed_deals(world, as_of, since, until)
    referrals: dict[UUID, set[UUID]] = defaultdict(set)
    for row in rows(world, "referrals"):
        counted = recruited_before(row, until) if since is None else in_window(row["recruited_at"], since, until)
        if row["is_active"] and counted:
            referrals[row["agent_id"]].add(row["recruited_user_id"])
    return {
        agent: Standing(earned.get(agent, Fraction(0)), len(deals.get(agent, ())), len(referrals[agent]))
        for agent in agents(world)
    }


def ranked(board: Mapping[UUID, Standing]) -> dict[UUID, int]:
    """Rank 1..n: earnings, deals, referrals, all descending, then agent_id ascending."""

    def place(agent: UUID) -> tuple[Any, ...]:
        standing = board[agent]
        return (-standing.total_earnings, -standing.total_deals, -standing.total_referrals, agent)

    return {agent: number for number, agent in enumerate(sorted(board, key=place), start=1)}


def agent_leaderboard(
    world: World,
    as_of: datetime,
    since: datetime | None = None,
    until: datetime | None = None,
    *,
    currency: str = "usd",
    tz: str = "UTC",
    whole_until: datetime | None = None,
) -> list[Row]:
    """One row per agent, by rank; with since also the rank in the window before.

    previous_rank is the rank on the full board of that window, null for an agent with nothing in it. `whole_until`
    is where a period asked for by name would end that as_of cuts short.
    """
    as_of = utc(as_of, "as_of")
    start, end = window(as_of, since, until)
    board = standings(world, as_of, start, end, currency)
    rank = ranked(board)
    previous_rank: dict[UUID, int] = {}
    if start is not None:
        previous = standings(world, as_of, *window_before(start, end, tz, whole_until), currency)
        previous_rank = {a: place for a, place in ranked(previous).items() if not previous[a].is_nothing}
    user, profile = by_key(rows(world, "users")), by_key(rows(world, "agent_profiles"), "user_id")
    found = [
        {
            "agent_id": agent,
            "agent_name": user[agent]["name"],
            "avatar": user[agent]["avatar"],
            "tier": profile[agent]["tier"],
            "total_referrals": board[agent].total_referrals,
            "total_deals": board[agent].total_deals,
            "total_earnings": half_away(board[agent].total_earnings, 2),
            "rank": rank[agent],
            "previous_rank": previous_rank.get(agent),
            "rank_change": previous_rank[agent] - rank[agent] if agent in previous_rank else None,
        }
        for agent in agents(world)
    ]
    return sorted(found, key=lambda row: row["rank"])
