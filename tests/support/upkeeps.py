"""Marketplaces that go on: what an extraction would change, and what is then brought up.

Belongs here: moving a warehouse in memory from one world to the next, and comparing what is kept with what is computed.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from typing import Any

import duckdb

from si_analytics.compute import facts, metrics
from si_analytics.compute.metric_upkeep import MetricUpkeep
from si_analytics.compute.upkeep import Stored, Upkeep
from si_analytics.definitions import project
from si_analytics.warehouse import changes
from tests.model import World
from tests.support import warehouses


def mixed(before: World, after: World, seed: int, share: float) -> World:
    """The world `before`, with about that share of its rows gone on to what they are in `after`."""
    chance = random.Random(seed)
    found: World = {}
    for table in before.keys() | after.keys():
        key = project().sources[table].key
        old = {row[key]: row for row in before.get(table, [])}
        new = {row[key]: row for row in after.get(table, [])}
        each = [(new if chance.random() < share else old).get(one) for one in sorted(old.keys() | new.keys())]
        found[table] = [row for row in each if row is not None]
    return found


def go_on(connection: duckdb.DuckDBPyConnection, world: World, tables: Iterable[str] | None = None) -> None:
    """Bring the raw tables, or those named, to `world` as an extraction does: what they held is kept as changes."""
    facts.leave_behind(connection)
    metrics.leave_behind(connection)
    for table in project().sources if tables is None else tables:
        connection.execute(f"create or replace table raw.every_row as from raw.{table} limit 0")
        rows = world.get(table, [])
        warehouses.insert(connection, "every_row", rows)
        changes.forget(connection, table)
        changes.compare(connection, table, "raw.every_row")
        connection.execute(f"truncate raw.{table}")
        connection.execute(f"insert into raw.{table} from raw.every_row")
    connection.execute("drop table if exists raw.every_row")


def bring_up(connection: duckdb.DuckDBPyConnection, parameters: metrics.Parameters) -> dict[str, Stored]:
    """Every fact, dimension and metric, brought up as a refresh does it; what became of each."""
    upkeep = Upkeep(connection, parameters.window.as_of)
    found = {table: upkeep.bring_up(table) for table in facts.names()}
    results = MetricUpkeep(connection, upkeep, parameters)
    return {**found, **{f"metrics.{name}": results.bring_up(name) for name in metrics.names()}}


def stored(connection: duckdb.DuckDBPyConnection) -> dict[str, list[tuple[Any, ...]]]:
    """What is stored: the rows of facts and dimensions in any order, those of metrics in theirs."""
    every = {table: sorted(connection.table(table).fetchall(), key=repr) for table in facts.names()}
    return {**every, **{f"metrics.{name}": connection.table(f"metrics.{name}").fetchall() for name in metrics.names()}}


def differing(found: Mapping[str, Any], expected: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """The tables that are not as they should be: the rows that are too many, and those that lack."""
    return {
        table: ([row for row in found[table] if row not in rows], [row for row in rows if row not in found[table]])
        for table, rows in expected.items()
        if found[table] != rows
    }
