"""What the warehouse says about itself: the record of refreshes, and boards of days gone by.

Belongs here: the tables of ``meta`` and ``history``, carried from one warehouse file to the next.
May import: `errors`, `settings`, `warehouse`, `checks`, `extract`, `publish` (their results).
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import duckdb

from si_analytics import checks, warehouse
from si_analytics.settings import Settings

if TYPE_CHECKING:
    from si_analytics.refresh import RefreshReport

_TABLES = {
    "meta.refreshes": "refresh_id uuid primary key, as_of timestamptz, snapshot varchar, taken_at timestamptz,"
    " currency varchar, timezone varchar, seconds double, rows_written bigint, changed json",
    "meta.extracts": "refresh_id uuid, table_name varchar, rows bigint, inserted bigint, updated bigint,"
    " deleted bigint, mode varchar, reason varchar, seconds double, money decimal(38, 2),"
    " primary key (refresh_id, table_name)",
    "meta.metrics": "refresh_id uuid, metric varchar, rows bigint, primary key (refresh_id, metric)",
    "history.agent_leaderboard": "as_of_date date, currency varchar, agent_id uuid, agent_name varchar, tier varchar,"
    " total_referrals bigint, total_deals bigint, total_earnings decimal(38, 2), rank bigint,"
    " primary key (as_of_date, currency, agent_id)",
}


def carry_over(connection: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    """Create the tables of ``meta`` and ``history``, with the rows of the published warehouse."""
    for table, columns in _TABLES.items():
        connection.execute(f"create table {table} ({columns})")
    checks.create_table(connection)
    if not warehouse.attach_published(connection, settings):
        return
    held = {
        f"{schema}.{name}"
        for schema, name in connection.sql(
            "select schema_name, table_name from duckdb_tables() where database_name = 'published'"
        ).fetchall()
    }
    for table in (*_TABLES, "meta.checks"):
        if table in held:
            connection.execute(f"insert into {table} by name select * from published.{table}")
    connection.execute("detach published")


def write(
    connection: duckdb.DuckDBPyConnection, settings: Settings, report: RefreshReport, taken_at: datetime
) -> None:
    """Record `report`, and the board as that of its day in the reporting time zone."""
    connection.execute(
        "insert into meta.refreshes values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        [
            report.refresh_id,
            report.as_of,
            report.snapshot,
            taken_at,
            settings.currency,
            settings.timezone,
            report.seconds,
            report.rows_written,
            json.dumps(report.changed),
        ],
    )
    for one in report.extracts:
        connection.execute(
            "insert into meta.extracts values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
            [report.refresh_id, one.table, one.rows, one.inserted, one.updated, one.deleted]
            + [one.mode, one.reason, one.seconds, one.money],
        )
    for name, rows in report.metrics.items():
        connection.execute("insert into meta.metrics values ($1, $2, $3)", [report.refresh_id, name, rows])
    checks.record(connection, report.refresh_id, report.checks)
    _keep_board(connection, settings, report)


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
