"""What the warehouse says about itself: the record of refreshes, and boards of days gone by.

Belongs here: the tables of ``meta`` and ``history``, carried from one warehouse file to the next.
May import: `sql`, `settings`, `warehouse`, `checks`; `refresh` for the type of its report only.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import duckdb

from si_analytics import checks, sql, warehouse
from si_analytics.settings import Settings

if TYPE_CHECKING:
    from si_analytics.refresh import RefreshReport

_CARRIED = ("meta.refreshes", "meta.extracts", "meta.metrics", "meta.checks", "history.agent_leaderboard")


def carry_over(connection: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    """Create the tables of ``meta`` and ``history``, with the rows of the published warehouse."""
    connection.execute(sql.read("warehouse", "records").text)
    checks.create_table(connection)
    if not warehouse.attach_published(connection, settings):
        return
    held = {
        f"{schema}.{name}"
        for schema, name in connection.sql(
            "select schema_name, table_name from duckdb_tables() where database_name = 'published'"
        ).fetchall()
    }
    for table in _CARRIED:
        if table in held:
            _carry(connection, table)
    connection.execute("detach published")


def _carry(connection: duckdb.DuckDBPyConnection, table: str) -> None:
    """Copy a table's rows; a column it did not have yet in the published warehouse is null."""
    source = connection.table(f"published.{table}")
    columns = [
        duckdb.ColumnExpression(name) if name in source.columns else duckdb.ConstantExpression(None).alias(name)
        for name in connection.table(table).columns
    ]
    source.select(*columns).insert_into(table)


def write(connection: duckdb.DuckDBPyConnection, settings: Settings, report: RefreshReport, taken_at: datetime) -> None:
    """Record `report`, and the board as that of its day in the reporting time zone."""
    connection.execute(
        "insert into meta.refreshes values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        [
            *(report.refresh_id, report.as_of, report.snapshot, taken_at, settings.currency, settings.timezone),
            *(report.seconds, report.rows_written, json.dumps(report.changed)),
        ],
    )
    extracts = [
        [
            *(report.refresh_id, one.table, one.rows, one.inserted, one.updated, one.deleted),
            *(one.mode, one.reason, one.seconds, one.money),
        ]
        for one in report.extracts
    ]
    _insert(connection, "insert into meta.extracts values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)", extracts)
    computed = [[report.refresh_id, name, rows] for name, rows in report.metrics.items()]
    _insert(connection, "insert into meta.metrics values ($1, $2, $3)", computed)
    checks.record(connection, report.refresh_id, report.checks)
    _keep_board(connection, settings, report)


def _insert(connection: duckdb.DuckDBPyConnection, statement: str, rows: Sequence[Sequence[Any]]) -> None:
    if rows:  # executemany refuses an empty list
        connection.executemany(statement, [list(row) for row in rows])


def _keep_board(connection: duckdb.DuckDBPyConnection, settings: Settings, report: RefreshReport) -> None:
    day = report.as_of.astimezone(ZoneInfo(settings.timezone)).date()
    connection.execute(
        "delete from history.agent_leaderboard where as_of_date = $1 and currency = $2", [day, settings.currency]
    )
    connection.execute(
        "insert into history.agent_leaderboard by name"
        " select $1 as as_of_date, $2 as currency, agent_id, agent_name, tier, total_referrals, total_deals,"
        " total_earnings, rank from metrics.agent_leaderboard",
        [day, settings.currency],
    )
