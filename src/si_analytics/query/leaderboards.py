"""The leaderboard by other measures, of some agents only, and of past days.

Belongs here: what a board can be ordered and filtered by, and the boards the warehouse keeps.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import duckdb
import polars as pl

from si_analytics.compute import currencies, metrics
from si_analytics.compute.currencies import Present
from si_analytics.definitions import project
from si_analytics.errors import MissingTableError, UnknownNameError, UsageError
from si_analytics.periods import windows
from si_analytics.query import connection as query_connection
from si_analytics.query import queries
from si_analytics.query.question import Question

MEASURES = ("earnings", "deals", "referrals")
TIERS = ("bronze", "silver", "gold", "platinum")
_NAMED = 20  # choices listed in an error

Choice = str | Iterable[str]


@dataclass(frozen=True)
class Board:
    """How a leaderboard is ordered and who is shown; None means everybody. Ranks stay those of the whole board."""

    by: str = "earnings"
    tier: Choice | None = None
    specialty: Choice | None = None
    location: Choice | None = None

    @property
    def is_plain(self) -> bool:
        """Whether this is the standard board: everybody, ordered by earnings."""
        return self.by == MEASURES[0] and self.tier is self.specialty is self.location is None


def leaderboard(
    connection: duckdb.DuckDBPyConnection, board: Board, question: Question, present: Present
) -> pl.DataFrame:
    """One row per agent shown, by rank on the whole board."""
    if board.by not in MEASURES:
        raise UnknownNameError(
            f"the leaderboard by '{board.by}'",
            "it has no such measure",
            f"{queries.nearest(board.by, MEASURES)}There are: {', '.join(MEASURES)}",
        )
    if board.is_plain:
        return queries.metric(connection, "agent_leaderboard", question, present)
    asked = question.parameters(present)
    shown = {
        "by": board.by,
        "tiers": _chosen(board.tier, "tier", TIERS),
        "specialties": _chosen(board.specialty, "specialty", _specialties(connection)),
        "locations": _chosen(board.location, "location", () if board.location is None else _locations(connection)),
    }
    with query_connection.scratch(connection):
        return _ranked(connection, asked, shown).pl()


def _ranked(
    connection: duckdb.DuckDBPyConnection, asked: metrics.Parameters, shown: dict[str, Any]
) -> duckdb.DuckDBPyRelation:
    metrics.evaluate(connection, "agent_leaderboard", asked).create("board")
    values = {**asked.bound(), **shown}
    before = windows.before(asked.window, asked.tz)
    if before is None:
        connection.table("board").limit(0).create("previous_board")
    else:
        metrics.evaluate(connection, "agent_leaderboard", replace(asked, window=before)).create("previous_board")
    file = project().queries.ranked_agents
    return connection.sql(file.text, params=metrics.bindings(connection, file, values))


def _chosen(given: Choice | None, attribute: str, known: Sequence[str]) -> list[str] | None:
    """The values asked for; raises UnknownNameError, with the choices, for a value that no agent can have."""
    if given is None:
        return None
    wanted = [given] if isinstance(given, str) else list(given)
    for value in wanted:
        if value not in known:
            near = difflib.get_close_matches(value, known, n=1)
            hint = f"Did you mean '{near[0]}'? " if near else ""
            more = f" and {len(known) - _NAMED} more" if len(known) > _NAMED else ""
            choices = f"There are: {', '.join(known[:_NAMED])}{more}" if known else "There are none yet"
            raise UnknownNameError(f"agents of {attribute} '{value}'", "nobody has it", hint + choices)
    return wanted


def _specialties(connection: duckdb.DuckDBPyConnection) -> Sequence[str]:
    rows = connection.sql("select distinct unnest(specialties) as value from raw.agent_profiles order by value")
    return [value for (value,) in rows.fetchall() if value is not None]


def _locations(connection: duckdb.DuckDBPyConnection) -> Sequence[str]:
    rows = connection.sql(
        "select location from raw.influencer_profiles union select location from raw.sponsor_profiles order by all"
    )
    return [value for (value,) in rows.fetchall() if value is not None]


def _agent(agent_id: str) -> str:
    """The id meant; raises UsageError if it is not an id, such as a name."""
    try:
        return str(UUID(str(agent_id)))
    except ValueError as error:
        raise UsageError(
            f"the boards of agent '{str(agent_id)[:40]}'",
            "that is no id",
            "Take one from the column agent_id of agent_leaderboard",
        ) from error


def history(
    connection: duckdb.DuckDBPyConnection, question: Question, present: Present, agent_id: str | None
) -> pl.DataFrame:
    """The boards kept, one row per day and agent; a window includes a day if it holds the day's first moment.

    Today's board counts as well, although its day is not over.
    """
    since, until = windows.ends(
        present.as_of,
        question.since,
        question.until,
        present.tz,
        during=question.during,
        calendar=present.calendar,
    )
    currency = currencies.asked_for(question.currency, present)
    file = project().queries.boards_kept
    agent = None if agent_id is None else _agent(agent_id)
    values = {
        "first_day": None if since is None else windows.day_from(since, present.tz),
        "after_day": None if until is None else windows.day_from(until, present.tz),
        "currency": currency,
        "agent_id": agent,
    }
    try:
        return connection.sql(file.text, params=metrics.bindings(connection, file, values)).pl()
    except duckdb.CatalogException as error:
        raise MissingTableError(
            "the boards of days gone by", "this warehouse holds none", "Fill it first: si refresh"
        ) from error
