"""The last refresh of a warehouse, read back from a copy of its file so that work can go on from there.

Belongs here: reading back what `run_log` wrote. A metric can then be computed or published again
without reading Postgres anew.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

import duckdb

from si_analytics import extract
from si_analytics.compute import metrics
from si_analytics.errors import WarehouseError
from si_analytics.extract.log_position import LogPosition
from si_analytics.extract.source import Position, Snapshot
from si_analytics.periods import windows
from si_analytics.settings import Settings

_RECORDED = (
    "delete from meta.extracts where refresh_id = $1",
    "delete from meta.metrics where refresh_id = $1",
    "delete from meta.checks where refresh_id = $1",
    "delete from meta.refreshes where refresh_id = $1",
)


@dataclass(frozen=True)
class Last:
    """The last refresh a warehouse records; ``rows_written`` and ``changed`` are what it published."""

    refresh_id: uuid.UUID
    as_of: datetime
    snapshot: Snapshot
    currency: str
    timezone: str
    weights: Mapping[str, Decimal]
    extracts: tuple[extract.TableExtract, ...]
    metrics: Mapping[str, int]
    seconds: float
    rows_written: int
    changed: str


def take_up(connection: duckdb.DuckDBPyConnection, settings: Settings) -> Last:
    """The last refresh in a working file that is a copy of the published one.

    Raises WarehouseError if the file holds no refresh.
    """
    last = _last(connection)
    if last is None:
        raise WarehouseError(
            f"taking up the warehouse {settings.warehouse}", "it holds no refresh", "Fill it first: si refresh"
        )
    return last


def forget_record(connection: duckdb.DuckDBPyConnection, last: Last) -> None:
    """Delete the record of `last`, so that a new record can replace it."""
    for statement in _RECORDED:
        connection.execute(statement, [last.refresh_id])


def keep_publication(connection: duckdb.DuckDBPyConnection, last: Last) -> None:
    """Restore what `last` first wrote to Postgres and how long it took; nothing was written since."""
    connection.execute(
        "update meta.refreshes set seconds = $2, rows_written = $3, changed = $4 where refresh_id = $1",
        [last.refresh_id, last.seconds, last.rows_written, last.changed],
    )


def _weights(connection: duckdb.DuckDBPyConnection) -> Mapping[str, Decimal]:
    rows = connection.sql("select component, weight from meta.performance_weights order by component").fetchall()
    return metrics.check_weights(dict(rows) or metrics.DEFAULT_WEIGHTS)


def _last(connection: duckdb.DuckDBPyConnection) -> Last | None:
    row = connection.sql(
        "select refresh_id, as_of, snapshot, taken_at, currency, timezone, seconds, rows_written, changed::varchar,"
        " server, position, log from meta.refreshes order by number desc limit 1"
    ).fetchone()
    if row is None:
        return None
    this = {"refresh_id": row[0]}
    extracts = connection.sql(
        "select table_name, rows, inserted, updated, deleted, mode, reason, seconds, money, identity, drift,"
        " reconciled_at"
        " from meta.extracts where refresh_id = $refresh_id order by table_name",
        params=this,
    ).fetchall()
    computed = connection.sql(
        "select metric, rows from meta.metrics where refresh_id = $refresh_id order by metric", params=this
    ).fetchall()
    return Last(
        refresh_id=row[0],
        as_of=windows.instant(row[1]),
        snapshot=Snapshot(
            row[2], windows.instant(row[3]), row[9], Position.read(row[10]), log=LogPosition.read(row[11])
        ),
        currency=row[4],
        timezone=row[5],
        weights=_weights(connection),
        extracts=tuple(extract.TableExtract(*one) for one in extracts),
        metrics=dict(computed),
        seconds=row[6],
        rows_written=row[7],
        changed=row[8],
    )
