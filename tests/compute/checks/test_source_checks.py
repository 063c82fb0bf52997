"""Checks that follow from the sources find the very rows that those written by hand find."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import duckdb
import pytest

from si_analytics.compute import checks, derived_checks, metrics, source_checks
from si_analytics.definitions import project
from si_analytics.errors import DefinitionError
from tests.support import warehouses
from tests.support.crowds import corners, crowd, idle
from tests.support.folders import TESTS
from tests.support.moments import AS_OF

NAMES = ("duplicate_keys", "infinite_times", "times_before_2000")
WORLDS = {"crowd 1": crowd(1), "idle": idle(3), "corners": corners()}
TIMES = ("infinity", "-infinity", "1999-12-31 23:59:59.999999+00", "2000-01-01 00:00:00+00", "1970-01-01 00:00:00+00")


def columns_of_time() -> list[tuple[str, str, str]]:
    """Table, key and column of every time that is read."""
    ours = project()
    return [
        (one.name, one.key, column.name)
        for one in ours.sources.values()
        for column in ours.source_columns(one.name)
        if column.type == "timestamp with time zone"
    ]


def rows(connection: duckdb.DuckDBPyConnection, text: str) -> list[Any]:
    values = metrics.Parameters.all_time(AS_OF, "usd", "Europe/Berlin").bound()
    named = connection.extract_statements(text)[0].named_parameters
    return connection.sql(text, params={name: values[name] for name in named}).fetchall()


def both(connection: duckdb.DuckDBPyConnection, name: str) -> list[Any]:
    """The rows that a check finds, which are those that the one written by hand finds."""
    found = rows(connection, checks.of(name).text)
    by_hand = (TESTS / "fixtures" / "by_hand" / f"{name}.sql").read_text(encoding="utf-8")
    assert found == rows(connection, by_hand)
    return found


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("world", WORLDS)
def test_what_is_wrong_is_found_by_both_forms(duck: Any, world: str, seed: int) -> None:
    connection: duckdb.DuckDBPyConnection = duck.connection
    warehouses.fill(connection, WORLDS[world])
    drawn = random.Random(seed)
    for table, key, column in columns_of_time():
        keys = connection.sql(f"select {key} from raw.{table} order by 1").fetchall()
        for (row,) in drawn.sample(keys, min(len(keys), 3)):
            statement = f"update raw.{table} set {column} = cast($1 as timestamptz) where {key} = $2"
            connection.execute(statement, [drawn.choice(TIMES), row])
    for one in project().sources.values():
        keys = connection.sql(f"select {one.key} from raw.{one.name} order by 1").fetchall()
        for (row,) in drawn.sample(keys, min(len(keys), 1)):
            connection.execute(f"insert into raw.{one.name} from raw.{one.name} where {one.key} = $1", [row])
    found = {name: both(connection, name) for name in NAMES}
    assert found["duplicate_keys"]
    assert world == "idle" or (found["infinite_times"] and found["times_before_2000"])


def test_every_column_of_time_that_is_read_is_looked_at(duck: Any) -> None:
    looked_at = checks.of("infinite_times").text
    for table, _, column in columns_of_time():
        assert f"'{table}' as table_name" in looked_at
        assert f"'{column}' as column_name" in looked_at
    duck.connection.sql(looked_at)


def test_a_check_without_a_query_of_which_none_follows_is_refused() -> None:
    """Another check of the same form, by a name of which nothing follows."""
    ours = project()
    other = ours.checks["metric_keys"].model_copy(update={"name": "mine", "path": "sql/checks/mine.toml"})
    with pytest.raises(DefinitionError, match=r"sql/checks/mine\.toml: it has no query, and none follows"):
        derived_checks.complete(ours, other)


def test_a_source_with_times_of_which_none_is_its_event_is_refused() -> None:
    ours = project()
    users = ours.sources["users"].model_copy(update={"event_time": None})
    with pytest.raises(DefinitionError, match=r"sql/sources/users\.toml: it reads times"):
        source_checks.times_before_2000(replace(ours, sources={"users": users}))
