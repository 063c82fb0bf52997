"""Every metric against the brute-force model of its definition, cell by cell, on ugly little worlds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, assume, given, settings, strategies

from si_analytics import metrics, windows
from si_analytics.errors import MissingTableError, UnknownNameError, UsageError
from tests import model, warehouses
from tests.worlds import AS_OF, Build, as_ofs, at, funnel_queries, marketplaces, only
from tests.worlds import windows as spans

MODELLED = sorted(set(metrics.names()) & set(model.METRICS))
thorough = settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture, HealthCheck.data_too_large],
)


@pytest.fixture(scope="module")
def definitions(
    create_database: Callable[..., str], schema_template: str, tmp_path_factory: pytest.TempPathFactory
) -> list[str]:
    from si_analytics.settings import Settings

    home = tmp_path_factory.mktemp("definitions")
    url = create_database(schema_template)
    return warehouses.raw_definitions(
        Settings(_env_file=None, postgres_url=url, home=home, warehouse=home / "warehouse.duckdb")  # type: ignore
    )


@pytest.fixture(scope="module")
def raw(definitions: list[str]) -> Iterator[duckdb.DuckDBPyConnection]:
    connection = warehouses.in_memory(definitions)
    yield connection
    connection.close()


def differences(expected: list[dict[str, Any]], found: list[dict[str, Any]]) -> list[str]:
    """Where two lists of rows part, cell by cell, in words."""
    if len(expected) != len(found):
        return [f"{len(expected)} rows expected, {len(found)} found: {expected} / {found}"]
    return [
        f"row {number}: {column} should be {right.get(column)!r}, is {row.get(column)!r} in {row}"
        for number, (right, row) in enumerate(zip(expected, found, strict=True))
        for column in right.keys() | row.keys()
        if right.get(column) != row.get(column)
    ]


@thorough
@given(world=marketplaces(), as_of=as_ofs(), tz=strategies.sampled_from(["UTC", "Europe/Berlin"]))
def test_every_metric_equals_the_model_on_any_small_marketplace(
    raw: duckdb.DuckDBPyConnection, world: model.World, as_of: datetime, tz: str
) -> None:
    warehouses.fill(raw, world)
    found = warehouses.compute_all(raw, warehouses.all_time(as_of, tz=tz))
    for name in MODELLED:
        expected = model.METRICS[name](world, as_of, tz=tz)
        assert differences(expected, found[name]) == [], name


@thorough
@given(world=marketplaces(), as_of=as_ofs(), query=strategies.data())
def test_every_funnel_equals_the_model_windowed_broken_down_and_within(
    raw: duckdb.DuckDBPyConnection, world: model.World, as_of: datetime, query: strategies.DataObject
) -> None:
    asked = query.draw(funnel_queries(as_of))
    warehouses.fill(raw, world)
    expected = model.funnel(world, as_of=as_of, **asked)
    assert differences(expected, warehouses.funnel(raw, as_of=as_of, **asked)) == []


@thorough
@given(world=marketplaces(), as_of=as_ofs(), span=strategies.data())
def test_the_windowed_leaderboard_equals_the_model_with_its_previous_ranks(
    raw: duckdb.DuckDBPyConnection, world: model.World, as_of: datetime, span: strategies.DataObject
) -> None:
    since, until = span.draw(spans(as_of))
    assume(since is None or since < min(until or as_of, as_of))
    warehouses.fill(raw, world)
    expected = model.agent_leaderboard(world, as_of, since=since, until=until)
    assert differences(expected, warehouses.leaderboard(raw, as_of, since, until)) == []
