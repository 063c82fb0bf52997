"""Back to Postgres: every summary table and materialized view, in one transaction.

Belongs here: staging a refresh's results and running ``sql/publish`` over them. Only rows that differ
are written, so triggers and `updated_at` move only where something changed, and readers see all of
the old or all of the new. May import: `errors`, `sql`, `postgres`, `gate`.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import duckdb
import polars as pl
import psycopg
from psycopg import sql as pg_sql

from si_analytics import gate, postgres, sql
from si_analytics.errors import PublishError
from si_analytics.settings import Settings

CHANNEL = "si_metrics"
VIEWS = ("agent_leaderboard", "brand_leaderboard", "conversion_funnels")
_LOCK = 7_301_884_201  # one publish at a time on a database, whichever warehouse it comes from
_TYPES = {"UUID": "uuid", "VARCHAR": "text", "BIGINT": "bigint", "TIMESTAMP WITH TIME ZONE": "timestamptz"}
_BATCH_ROWS = 100_000


@dataclass(frozen=True)
class TargetChange:
    """What one target's statement did: rows inserted, updated, deleted; skipped ones vanished meanwhile."""

    target: str
    inserted: int
    updated: int
    deleted: int
    skipped: int
    seconds: float

    @property
    def changed(self) -> int:
        """How many rows were written."""
        return self.inserted + self.updated + self.deleted


@dataclass(frozen=True)
class Provenance:
    """Which refresh the rows come from."""

    refresh_id: UUID
    as_of: datetime
    snapshot: str
    currency: str
    started_at: datetime
    seconds: float


def targets() -> tuple[str, ...]:
    """Every published target, by the name of its SQL file."""
    return sql.names("publish")


def publish(
    warehouse: duckdb.DuckDBPyConnection,
    settings: Settings,
    provenance: Provenance,
    done: Callable[[TargetChange], None] | None = None,
    *,
    accept_change: bool = False,
) -> list[TargetChange]:
    """Write all targets from the warehouse's metrics, refresh the views, tell listeners; or change nothing.

    Raises PublishError where Postgres refuses, and ImplausibleChangeError where the gate does, unless
    `accept_change`; the previous results then stand.
    """
    try:
        with postgres.connect(settings, read_only=False) as connection:
            connection.execute("set local search_path = pg_catalog, pg_temp")
            connection.execute("select pg_advisory_xact_lock(%s)", [_LOCK])
            changes = []
            for name in targets():
                _stage(warehouse, connection, sql.read("publish", name))
            if not accept_change:
                gate.require_plausible(connection, settings.max_losing_share)
            for name in targets():
                change = _write(connection, sql.read("publish", name))
                changes.append(change)
                if done:
                    done(change)
            _refresh_views(connection, {change.target: change.changed for change in changes})
            _record(connection, provenance, changes)
    except psycopg.Error as error:
        reason = error.diag.message_primary or " ".join(str(error).split())
        raise PublishError(
            "publishing to Postgres", reason, "Nothing was written, the previous results stand"
        ) from error
    return changes


def _write(connection: psycopg.Connection[Any], file: sql.SqlFile) -> TargetChange:
    started = time.perf_counter()
    row = connection.execute(file.text).fetchone()
    if row is None:
        raise PublishError(f"publishing {file.name}", "the statement returned no counts", "Report it")
    inserted, updated, deleted, skipped = (int(count) for count in row)
    return TargetChange(file.name, inserted, updated, deleted, skipped, time.perf_counter() - started)


def _stage(warehouse: duckdb.DuckDBPyConnection, connection: psycopg.Connection[Any], file: sql.SqlFile) -> None:
    """COPY the source metric into a temporary table that goes with the transaction."""
    source = warehouse.table(file.fields["Source"])
    staging = pg_sql.Identifier("pg_temp", f"staging_{file.name}")
    columns = pg_sql.SQL(", ").join(
        pg_sql.SQL("{} {}").format(pg_sql.Identifier(name), pg_sql.SQL(_type(str(kind))))
        for name, kind in zip(source.columns, source.types, strict=True)
    )
    connection.execute(pg_sql.SQL("create temporary table {} ({}) on commit drop").format(staging, columns))
    command = pg_sql.SQL("copy {} from stdin (format csv)").format(staging)
    with connection.cursor() as cursor, cursor.copy(command) as copy:
        frame = source.pl()
        for offset in range(0, frame.height, _BATCH_ROWS):
            copy.write(_csv(frame.slice(offset, _BATCH_ROWS)))
    connection.execute(pg_sql.SQL("analyze {}").format(staging))


def _type(kind: str) -> str:
    return "numeric" if kind.startswith("DECIMAL") else _TYPES[kind]


def _csv(frame: pl.DataFrame) -> bytes:
    """Rows as COPY reads them: null is nothing at all, an empty text is quoted, times carry their zone."""
    times = [_time(name) for name, kind in frame.schema.items() if isinstance(kind, pl.Datetime)]
    return frame.with_columns(times).write_csv(include_header=False, null_value="", quote_style="necessary").encode()


def _time(name: str) -> pl.Expr:
    """A time as Postgres reads it, also before the year 1, which it counts backwards and marks BC."""
    moment = pl.col(name).dt.convert_time_zone("UTC")
    year = moment.dt.year()
    counted = pl.when(year > 0).then(year).otherwise(1 - year).cast(pl.String).str.zfill(4)
    era = pl.when(year > 0).then(pl.lit("")).otherwise(pl.lit(" BC"))
    return pl.concat_str(counted, moment.dt.strftime("-%m-%d %H:%M:%S%.6f+00"), era).alias(name)


def _refresh_views(connection: psycopg.Connection[Any], changed: Mapping[str, int]) -> None:
    """Refresh the views whose rows changed, without blocking their readers."""
    for name in VIEWS:
        populated = connection.execute(
            "select ispopulated from pg_matviews where schemaname = 'public' and matviewname = %s", [name]
        ).fetchone()
        if populated is None:
            raise PublishError(f"refreshing public.{name}", "there is no such view", "Run: si schema apply")
        if not populated[0]:
            connection.execute(pg_sql.SQL("refresh materialized view {}").format(pg_sql.Identifier("public", name)))
        elif changed[name]:
            connection.execute(
                pg_sql.SQL("refresh materialized view concurrently {}").format(pg_sql.Identifier("public", name))
            )


def _record(connection: psycopg.Connection[Any], provenance: Provenance, changes: list[TargetChange]) -> None:
    changed = {change.target: change.changed for change in changes}
    connection.execute(
        "insert into analytics.refreshes"
        " (refresh_id, as_of, snapshot, currency, started_at, finished_at, seconds, changed)"
        " values (%s, %s, %s, %s, %s, clock_timestamp(), %s, %s) on conflict (refresh_id) do update"
        " set finished_at = excluded.finished_at, seconds = excluded.seconds, changed = excluded.changed",
        [
            provenance.refresh_id,
            provenance.as_of,
            provenance.snapshot,
            provenance.currency,
            provenance.started_at,
            round(provenance.seconds, 3),
            json.dumps(changed),
        ],
    )
    told = {"refresh_id": str(provenance.refresh_id), "as_of": provenance.as_of.isoformat(), "changed": changed}
    connection.execute("select pg_notify(%s, %s)", [CHANNEL, json.dumps(told)])
