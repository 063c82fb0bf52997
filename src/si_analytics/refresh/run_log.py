"""What the warehouse records about itself: its refreshes, and the boards of past days.

Belongs here: the tables of ``meta`` and ``history``, and copying them from one warehouse file to the next.
"""

from __future__ import annotations

import functools
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import duckdb
from psycopg import sql as pg_sql

from si_analytics import extract, publish, warehouse
from si_analytics.compute import checks, facts, metrics
from si_analytics.compute.upkeep import Stored
from si_analytics.definitions import project
from si_analytics.extract import TableExtract
from si_analytics.extract.incremental import Baseline
from si_analytics.extract.log_position import LogPosition
from si_analytics.extract.source import Position, Snapshot
from si_analytics.periods import windows
from si_analytics.settings import Settings

OF_REFRESHES = ("meta.refreshes", "meta.extracts", "meta.metrics", "meta.checks")
"""The tables whose rows belong to a refresh, by ``refresh_id``."""

OF_DAYS = ("history.agent_leaderboard", "history.conversion_funnels")
"""The tables whose rows belong to a day, ``as_of_date``."""

_COLUMNS = (
    "select schema_name, table_name, column_name, data_type from duckdb_columns()"
    " where schema_name in ('meta', 'history') and not internal order by all"
)


@dataclass(frozen=True)
class RefreshReport:
    """What a refresh did. ``changed`` counts the rows written per published target; ``warnings`` are sentences.

    ``metrics`` and ``facts`` count the rows of each metric, and of each fact and dimension with its schema.

    ``moved`` are sentences too: why numbers moved although no row did. ``stored`` says of each fact, dimension and
    metric how many rows changed, and why it was computed whole. ``file`` says which file the refresh worked on.
    """

    refresh_id: uuid.UUID
    as_of: datetime
    snapshot: str
    extracts: tuple[TableExtract, ...]
    metrics: Mapping[str, int]
    checks: tuple[checks.CheckResult, ...]
    targets: tuple[publish.TargetChange, ...]
    seconds: float
    warnings: tuple[str, ...] = ()
    moved: tuple[str, ...] = ()
    facts: Mapping[str, int] = field(default_factory=dict)
    stored: tuple[Stored, ...] = ()
    file: str = ""

    @property
    def changed(self) -> dict[str, int]:
        """Rows written, by published target."""
        return {change.target: change.changed for change in self.targets}

    @property
    def rows_written(self) -> int:
        """Rows written to Postgres in total."""
        return sum(self.changed.values())


def baseline(connection: duckdb.DuckDBPyConnection) -> Baseline | str:
    """What the warehouse in this file was computed from, so that only changes are read; or why that is unknown."""
    if not of_this_version(connection):
        return "the warehouse was made by another version"
    row = connection.sql(
        "select refresh_id, snapshot, taken_at, server, position, log from meta.refreshes order by number desc limit 1"
    ).fetchone()
    if row is None:
        return "the warehouse holds no refresh"
    read = connection.sql(
        "select extracts.table_name, extracts.identity, extracts.reconciled_at from meta.extracts as extracts"
        " inner join duckdb_tables() as held on held.schema_name = 'raw' and held.table_name = extracts.table_name"
        " where extracts.refresh_id = $refresh_id",
        params={"refresh_id": row[0]},
    ).fetchall()
    log = LogPosition.read(row[5])
    taken = Snapshot(row[1], windows.instant(row[2]), row[3] or "", Position.read(row[4]), log=log)
    reconciled = {table: windows.instant(moment) for table, _, moment in read if moment is not None}
    return Baseline(row[0], taken, {table: identity for table, identity, _ in read}, reconciled)


def published_baseline(settings: Settings) -> Baseline | str | None:
    """What the published warehouse was computed from, or why that is unknown; None if there is no warehouse yet."""
    with duckdb.connect() as reading:
        if not warehouse.attach_published(reading, settings):
            return None
        reading.execute("use published")
        return baseline(reading)


def of_this_version(connection: duckdb.DuckDBPyConnection) -> bool:
    """Whether the file's own records have the columns this version expects."""
    return _expected() == connection.sql(_COLUMNS).fetchall()


@functools.cache
def _expected() -> list[tuple[Any, ...]]:
    with duckdb.connect() as scratch:
        _create(scratch)
        return scratch.sql(_COLUMNS).fetchall()


def generation(connection: duckdb.DuckDBPyConnection, database: str | None = None) -> str | None:
    """The name of the generation that the file, or the attached `database`, belongs to; None if it has none.

    Files of one generation differ only by what refreshes read and recorded one after another: an earlier one can be
    brought up to a later one.
    """
    found = connection.execute(
        "select comment from duckdb_tables() where database_name = coalesce($1, current_database())"
        " and schema_name = 'meta' and table_name = 'refreshes'",
        [database],
    ).fetchone()
    return found[0] if found else None


def begin_generation(connection: duckdb.DuckDBPyConnection) -> None:
    """Mark the file as one that no earlier file can be brought up to."""
    marked = pg_sql.SQL("comment on table meta.refreshes is {}").format(pg_sql.Literal(str(uuid.uuid4())))
    connection.execute(marked.as_string(None))


def leave_results_behind(connection: duckdb.DuckDBPyConnection) -> None:
    """Drop the previous refresh's changes, and raw tables that are no longer read; leave facts and metrics behind."""
    held = connection.sql(
        "select schema_name, table_name from duckdb_tables() where database_name = current_database()"
        " and schema_name in ('changes', 'raw') order by all"
    ).fetchall()
    for schema, table in held:
        if schema != "raw" or table not in extract.tables():
            connection.execute(f'drop table {schema}."{table}"')
    facts.leave_behind(connection)
    metrics.leave_behind(connection)


def _create(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute(project().records.text)
    checks.create_table(connection)


def carry_over(connection: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    """Create the tables of ``meta`` and ``history`` and copy the published warehouse's rows into them.

    The file begins a generation: an earlier file may hold what reading every row was to replace.
    """
    _create(connection)
    begin_generation(connection)
    if not warehouse.attach_published(connection, settings):
        return
    held = {
        f"{schema}.{name}"
        for schema, name in connection.sql(
            "select schema_name, table_name from duckdb_tables() where database_name = 'published'"
        ).fetchall()
    }
    for table in (*OF_REFRESHES, *OF_DAYS):
        if table in held:
            _carry(connection, table)
    connection.execute("detach published")


def _carry(connection: duckdb.DuckDBPyConnection, table: str) -> None:
    """Copy a table's rows; a column that the published warehouse did not have yet becomes null."""
    source = connection.table(f"published.{table}")
    columns = [
        duckdb.ColumnExpression(name) if name in source.columns else duckdb.ConstantExpression(None).alias(name)
        for name in connection.table(table).columns
    ]
    source.select(*columns).insert_into(table)


def write(connection: duckdb.DuckDBPyConnection, settings: Settings, report: RefreshReport, taken: Snapshot) -> None:
    """Record `report`, and keep the board and the funnels for the day its last moment falls on."""
    connection.execute(
        "insert into meta.refreshes select $1, coalesce(max(number), 0) + 1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11,"
        " $12"
        " from meta.refreshes",
        [
            *(report.refresh_id, report.as_of, taken.id, taken.server),
            *(str(taken.position) if taken.position else None, str(taken.log) if taken.log else None, taken.taken_at),
            *(settings.currency, settings.timezone, report.seconds, report.rows_written, json.dumps(report.changed)),
        ],
    )
    extracts = [
        [
            *(report.refresh_id, one.table, one.rows, one.inserted, one.updated, one.deleted),
            *(one.mode, one.reason, one.seconds, one.money, one.identity, one.drift, one.reconciled_at, taken.id),
        ]
        for one in report.extracts
    ]
    warehouse.insert(connection, "meta.extracts", extracts)
    # These metrics are the ones that stand in Postgres only if this refresh published them itself.
    connection.execute("delete from meta.publications")
    warehouse.insert(connection, "meta.publications", publish.kept(report.refresh_id, report.targets))
    computed = [[report.refresh_id, name, rows] for name, rows in report.metrics.items()]
    warehouse.insert(connection, "meta.metrics", computed)
    checks.record(connection, report.refresh_id, report.checks)
    day = windows.day_described(report.as_of, settings.timezone)
    keep_board(connection, connection.table("metrics.agent_leaderboard"), day, settings.currency)
    keep_funnels(connection, connection.table("metrics.conversion_funnels"), day)


def keep_board(connection: duckdb.DuckDBPyConnection, board: duckdb.DuckDBPyRelation, day: date, currency: str) -> None:
    """Keep `board` for `day` and replace the board kept before."""
    connection.execute("delete from history.agent_leaderboard where as_of_date = $1 and currency = $2", [day, currency])
    _keep(connection, board, "history.agent_leaderboard", {"as_of_date": day, "currency": currency})


def keep_funnels(connection: duckdb.DuckDBPyConnection, funnels: duckdb.DuckDBPyRelation, day: date) -> None:
    """Keep `funnels` for `day` and replace the funnels kept before."""
    connection.execute("delete from history.conversion_funnels where as_of_date = $1", [day])
    _keep(connection, funnels, "history.conversion_funnels", {"as_of_date": day})


def _keep(
    connection: duckdb.DuckDBPyConnection, rows: duckdb.DuckDBPyRelation, table: str, of_day: Mapping[str, Any]
) -> None:
    """Add `rows` to a table of ``history``, with the columns `of_day` that the rows lack."""
    chosen = [
        (duckdb.ConstantExpression(of_day[name]) if name in of_day else duckdb.ColumnExpression(name)).alias(name)
        for name in connection.table(table).columns
    ]
    rows.select(*chosen).insert_into(table)
