"""Warehouses filled straight from a world, for tests that need no Postgres in between.

Belongs here: raw tables with the very columns and types an extraction makes, and metrics as plain rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import duckdb
import polars as pl

from si_analytics import extract, warehouse
from si_analytics.compute import facts, funnels, metrics
from si_analytics.definitions import project
from si_analytics.periods import windows
from si_analytics.settings import Settings
from tests.model import Row, World


def raw_definitions(settings: Settings) -> list[str]:
    """The statements that make the raw tables, as an extraction from an empty database makes them."""
    connection = warehouse.create_working(settings)
    try:
        with extract.snapshot(connection, settings) as reading:
            extract.read(connection, reading)
        found = connection.sql("select sql from duckdb_tables() where schema_name = 'raw' order by table_name")
        return [row[0] for row in found.fetchall()]
    finally:
        connection.close()
        warehouse.discard_working(settings)


def in_memory(definitions: list[str]) -> duckdb.DuckDBPyConnection:
    """A warehouse without rows."""
    connection = duckdb.connect()
    connection.execute("set global TimeZone = 'UTC'")
    for schema in ("raw", "changes", "dimensions", "facts", "measured", "metrics"):
        connection.execute(f"create schema {schema}")
    connection.execute(project().records.text)
    for definition in definitions:
        connection.execute(definition)
    return connection


def fill(connection: duckdb.DuckDBPyConnection, world: World) -> None:
    """Make the raw tables hold `world` and nothing else; no fact is stored of it yet."""
    stored = (
        "select schema_name, table_name from duckdb_tables()"
        " where schema_name in ('changes', 'dimensions', 'facts', 'measured') and not temporary"
    )
    for schema, table in connection.sql(stored).fetchall():
        connection.execute(f"drop table {schema}.{table}")
    for (table,) in connection.sql("select table_name from duckdb_tables() where schema_name = 'raw'").fetchall():
        connection.execute(f"truncate raw.{table}")
        insert(connection, table, world.get(table, []))


def insert(connection: duckdb.DuckDBPyConnection, table: str, rows: list[Row]) -> None:
    """Add rows to a raw table."""
    if not rows:
        return
    held = set(connection.table(f"raw.{table}").columns)
    # As text, which DuckDB casts to each column's type: one statement however many rows.
    frame = pl.DataFrame({name: [_text(row[name]) for row in rows] for name in rows[0] if name in held})
    connection.register("given", frame)
    connection.execute(f"insert into raw.{table} by name select * from given")
    connection.unregister("given")


def _text(value: Any) -> Any:
    if value is None:
        return None
    if isinstance(value, list):
        return [_text(one) for one in value]
    return value.isoformat() if isinstance(value, datetime) else str(value)


def rows_of(relation: duckdb.DuckDBPyRelation) -> list[Row]:
    """The rows of a relation, as the model gives them."""
    return [dict(zip(relation.columns, row, strict=True)) for row in relation.fetchall()]


def compute_all(connection: duckdb.DuckDBPyConnection, parameters: metrics.Parameters) -> dict[str, list[Row]]:
    """Every metric, computed in order, after the facts."""
    for table in facts.names():
        facts.compute(connection, table, parameters.window.as_of)
    for name in metrics.names():
        metrics.compute(connection, name, parameters)
    return {name: rows_of(connection.table(f"metrics.{name}")) for name in metrics.names()}


def all_time(as_of: datetime, currency: str = "usd", tz: str = "UTC", **more: Any) -> metrics.Parameters:
    return metrics.Parameters.all_time(as_of, currency, tz, **more)


def leaderboard(
    connection: duckdb.DuckDBPyConnection,
    as_of: datetime,
    since: datetime | None,
    until: datetime | None,
    currency: str = "usd",
    tz: str = "UTC",
) -> list[Row]:
    window = windows.window(as_of, since, until, tz)
    return rows_of(metrics.evaluate(connection, "agent_leaderboard", metrics.Parameters(window, currency, tz)))


def funnel(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    as_of: datetime,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    within: timedelta | None = None,
    by: str | Sequence[str] | None = None,
    tz: str = "UTC",
    where: Mapping[str, Sequence[str]] | None = None,
) -> list[Row]:
    assert name in funnels.names()
    together = ", ".join(funnels.groupings(by)) or None
    chosen = {grouping: tuple(values) for grouping, values in (where or {}).items()}
    window = windows.window(as_of, since, until)
    asked = metrics.Parameters(window, "usd", tz, within=within, by=together, where=chosen, funnels=(name,))
    return rows_of(metrics.evaluate(connection, "conversion_funnels", asked))
