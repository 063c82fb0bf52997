"""Refreshes that compute what changed leave in the warehouse and in Postgres what a full refresh leaves."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import duckdb
import psycopg
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from psycopg import sql

from si_analytics import refresh
from si_analytics.compute import metrics
from si_analytics.refresh import Refresh
from si_analytics.refresh.run_log import RefreshReport
from si_analytics.settings import Settings
from tests.model import COLUMNS, World, empty
from tests.support import upkeeps
from tests.support.crowds import crowd
from tests.support.worlds import AS_OF, insert

OTHER_WEIGHTS = {**metrics.DEFAULT_WEIGHTS, "total_earnings": Decimal("0.2"), "total_deals": Decimal("0.3")}
EMPTIED = ("saved_gigs", "user_reviews", "transactions", "invites")


UNIQUE = (
    "select relation.relname, array_agg(attribute.attname::text order by attribute.attname) from pg_index as held"
    " inner join pg_class as relation on held.indrelid = relation.oid"
    " inner join pg_attribute as attribute"
    " on attribute.attrelid = relation.oid and attribute.attnum = any(held.indkey)"
    " where held.indisunique and not held.indisprimary and relation.relnamespace = 'public'::regnamespace"
    " group by held.indexrelid, relation.relname"
)


def without_doubles(connection: psycopg.Connection[Any], world: World) -> World:
    """The world without the rows that the schema would refuse: of those alike in unique columns, the first stays."""
    found = dict(world)
    for table, columns in connection.execute(UNIQUE):
        if set(columns) <= set(COLUMNS.get(table, ())):
            first: dict[Any, Any] = {}
            for row in found.get(table, []):
                values = tuple(row[column] for column in columns)
                first.setdefault(object() if None in values else values, row)
            found[table] = list(first.values())
    return found


def change(connection: psycopg.Connection[Any], before: World, after: World) -> None:
    """Write anew the rows of a world that differ, under their keys, and let those go that are not there."""
    with connection.transaction():
        connection.execute("set local session_replication_role = replica")  # no order of tables, no triggers
        came: World = {}
        for table, columns in COLUMNS.items():
            old = {row[columns[0]]: row for row in before.get(table, [])}
            new = {row[columns[0]]: row for row in after.get(table, [])}
            came[table] = [row for key, row in new.items() if row != old.get(key)]
            name, key = sql.Identifier("public", table), sql.Identifier(columns[0])
            gone = [one for one in old if old[one] != new.get(one)]
            connection.execute(sql.SQL("delete from {} where {} = any(%s)").format(name, key), [gone])
        insert(connection, came)


def tables(settings: Settings) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of the warehouse's raw tables, facts and dimensions in any order, and of its metrics in theirs."""
    with duckdb.connect(str(settings.warehouse), read_only=True) as connection:
        connection.execute("set TimeZone = 'UTC'")
        raw = connection.sql("select table_name from duckdb_tables() where schema_name = 'raw' order by 1").fetchall()
        rows = {f"raw.{name}": sorted(connection.table(f"raw.{name}").fetchall(), key=repr) for (name,) in raw}
        return {**rows, **upkeeps.stored(connection)}


@examples(
    max_examples=4,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture, HealthCheck.data_too_large],
)
@given(steps=st.data())
def test_any_sequence_of_writes_and_moments_leaves_what_a_full_refresh_leaves(
    settings: Settings, postgres: psycopg.Connection[Any], steps: st.DataObject
) -> None:
    """Rows come, change and go, tables are emptied; as_of, currency, zone and weights move; refreshes break off."""
    beside = settings.model_copy(update={"warehouse": settings.home / "full.duckdb"})
    world, as_of, counted, weights = empty(), AS_OF, ("usd", "UTC"), metrics.DEFAULT_WEIGHTS
    for table in reversed(COLUMNS):
        postgres.execute(sql.SQL("truncate public.{} cascade").format(sql.Identifier(table)))
    for _ in range(4):
        other = crowd(steps.draw(st.integers(0, 30)))
        seed, share = steps.draw(st.integers(0, 99)), steps.draw(st.sampled_from([0, 0.1, 0.6]))
        after = without_doubles(postgres, upkeeps.mixed(world, other, seed, share))
        change(postgres, world, after)
        world = after
        if steps.draw(st.booleans()):
            emptied = steps.draw(st.sampled_from(EMPTIED))
            postgres.execute(sql.SQL("truncate public.{} cascade").format(sql.Identifier(emptied)))
            world = {**world, emptied: []}
        as_of = steps.draw(st.sampled_from([as_of, as_of + timedelta(days=9), as_of - timedelta(hours=5)]))
        counted = steps.draw(st.sampled_from([counted, counted, ("eur", "UTC"), ("usd", "America/Havana")]))
        weights = steps.draw(st.sampled_from([weights, weights, OTHER_WEIGHTS]))
        if steps.draw(st.booleans()):
            _break_off(settings, as_of, steps.draw(st.sampled_from(["fact", "compute", "publish"])))
        using = {"currency": counted[0], "timezone": counted[1]}
        report = refresh.run(settings.model_copy(update=using), as_of=as_of, weights=weights, accept_change=True)
        full = refresh.run(beside.model_copy(update=using), as_of=as_of, weights=weights, full=True, accept_change=True)
        assert upkeeps.differing(tables(settings), tables(beside)) == {}
        assert full.rows_written == 0
        assert recorded(report) == recorded(full)


def recorded(report: RefreshReport) -> dict[str, tuple[int, str]]:
    """What each check found, with its first rows as they are recorded: what is kept from a refresh is text."""
    return {one.name: (one.rows, json.dumps(one.sample, default=str)) for one in report.checks}


def _break_off(settings: Settings, as_of: datetime, phase: str) -> None:
    """Let a refresh fail in the midst of a step."""

    def fail(now: str, name: str, rows: int, seconds: float) -> None:
        if now == phase:
            raise RuntimeError(f"broken off at {name}")

    with pytest.raises(RuntimeError, match="broken off"), Refresh(settings, as_of, listen=fail) as running:
        running.extract()
        running.accept_change = True
        running.publish()
        raise RuntimeError("broken off at the end")
