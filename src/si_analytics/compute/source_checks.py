"""Checks that follow from the sources: keys stand once, times are finite and not before the year 2000.

Belongs here: building their queries, in DuckDB's dialect, as trees. What they return is read by `checks`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from sqlglot import expressions as exp

from si_analytics.definitions import Project, Source, trees
from si_analytics.definitions.trees import column, relation
from si_analytics.errors import DefinitionError

_TIME = "timestamp with time zone"
# DuckDB counts to the first days of 294247; what Postgres has beyond arrives before the first time Postgres knows.
_FIRST = "4714-01-01 (BC) 00:00:00+00"

ORDER_OF_KEYS = ("table_name", "key")
ORDER_OF_TIMES = ("table_name", "column_name", "key")


def duplicate_keys(ours: Project, among: Collection[str] | None = None) -> str:
    """The keys that more than one row of an extracted table has: table, key, and how many rows; `among` these alone."""
    # Table by table: keys of one table are kept no longer than it takes to count them.
    count = exp.Count(this=exp.Star())
    parts = [
        exp.select(trees.said(one.name, "table_name"), _key(one), exp.alias_(count.copy(), "copies"))
        .from_(relation(one.name, "raw"))
        .group_by(column(one.key))
        .having(count.copy() > exp.Literal.number(1))
        for one in ours.sources.values()
        if among is None or f"raw.{one.name}" in among
    ]
    return trees.all_of(parts, ORDER_OF_KEYS)


def keys(ours: Project) -> dict[str, tuple[str, ...]]:
    """The key of each extracted table, by the table."""
    return {f"raw.{one.name}": (one.key,) for one in ours.sources.values()}


def infinite_times(ours: Project) -> str:
    """The times that are infinite, or arrived so: table, column, key, and the time as text."""
    parts = []
    for one, name in _times(ours):
        beyond = exp.or_(column(name).eq(_moment("infinity")), column(name) < _moment(_FIRST))
        value = exp.alias_(exp.cast(column(name), "varchar"), "value")
        parts.append(_of_time(one, name, value).where(beyond))
    return trees.all_of(parts, ORDER_OF_TIMES)


def times_before_2000(ours: Project) -> str:
    """The times before the year 2000 of rows that exist at as_of: table, column, key, and the time."""
    parts = []
    for one, name in _times(ours):
        early = column(name) < exp.cast(exp.Parameter(this=exp.var("year_2000")), "timestamptz")
        happened = exp.alias_(column(name), "happened_at")
        parts.append(_of_time(one, name, happened).where(_exists(one), early))
    return trees.all_of(parts, ORDER_OF_TIMES)


def _times(ours: Project) -> Iterator[tuple[Source, str]]:
    """Every column of time that is read, with its source."""
    for one in ours.sources.values():
        yield from ((one, found.name) for found in ours.source_columns(one.name) if found.type == _TIME)


def _exists(one: Source) -> exp.Expr:
    """Whether a row of a source exists at as_of: its event is before it, or it exists before its event."""
    if one.event_time is None:
        raise DefinitionError(one.path, "it reads times and does not say which one its event is", "Add: event_time")
    time = column(one.event_time)
    before = time < exp.Parameter(this=exp.var("as_of"))
    return exp.or_(before, time.copy().is_(exp.null())) if one.exists_before_event else before


def _of_time(one: Source, name: str, value: exp.Expr) -> exp.Select:
    told = (trees.said(one.name, "table_name"), trees.said(name, "column_name"), _key(one), value)
    return exp.select(*told).from_(relation(one.name, "raw"))


def _key(one: Source) -> exp.Expr:
    return exp.alias_(column(one.key), "key")


def _moment(text: str) -> exp.Expr:
    return exp.cast(exp.Literal.string(text), "timestamptz")
