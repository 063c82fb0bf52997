"""What a refresh counts in: explains why numbers differ between two refreshes although no source row does.

Belongs here: reading what a refresh was counted in, and telling how two differ.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

import duckdb

from si_analytics import warehouse
from si_analytics.compute import metrics
from si_analytics.settings import Settings

_HELD = (
    "select count(*) from duckdb_columns() where database_name = $side and schema_name = 'meta'"
    " and concat(table_name, '.', column_name) in ('refreshes.number', 'refreshes.currency', 'refreshes.timezone',"
    " 'performance_weights.component', 'performance_weights.weight')"
)


@dataclass(frozen=True)
class Counted:
    """The reporting currency and time zone of a refresh, and the weights of its performance score."""

    currency: str
    timezone: str
    weights: Mapping[str, Decimal]


def published(settings: Settings) -> Counted | None:
    """What the published warehouse was counted in; None if there is none, or if it does not record it."""
    with duckdb.connect() as reading:
        if not warehouse.attach_published(reading, settings):
            return None
        return attached(reading, "published")


def attached(connection: duckdb.DuckDBPyConnection, side: str) -> Counted | None:
    """What the warehouse attached under that name was counted in; None if it does not record it."""
    held = connection.sql(_HELD, params={"side": side}).fetchone()
    if held != (5,):
        return None  # made by another version
    last = connection.table(f"{side}.meta.refreshes").order("number desc").select("currency", "timezone").fetchone()
    if last is None:
        return None
    weights = dict(connection.table(f"{side}.meta.performance_weights").order("component").fetchall())
    return Counted(last[0], last[1], weights or metrics.DEFAULT_WEIGHTS)


def changes(before: Counted | None, now: Counted) -> tuple[str, ...]:
    """How `now` counts differently from `before`, in sentences without their full stops."""
    if before is None:
        return ()
    said = []
    if before.timezone != now.timezone:
        said.append(f"Days and months are those of {now.timezone}, they were those of {before.timezone}")
    if before.currency != now.currency:
        said.append(f"Money is counted in {now.currency}, it was in {before.currency}")
    weighed = [
        f"{name} {now.weights[name].normalize():f} (was {before.weights[name].normalize():f})"
        for name in sorted(now.weights.keys() & before.weights.keys())
        if now.weights[name] != before.weights[name]
    ]
    if weighed:
        said.append(f"The performance score weighs {', '.join(weighed)}")
    return tuple(said)
