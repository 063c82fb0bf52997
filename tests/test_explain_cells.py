"""Every cell of the four tables that are explained, against the rows that are said to be behind it.

What a header says of its rows (`How`, `Decimals`, `Empty`) is done here in exact fractions; it has to give the cell.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings

from si_analytics import explain, metrics, reader, refresh, sample, sql, windows
from si_analytics.settings import Settings
from tests import warehouses
from tests.model import Row, World
from tests.model.rules import half_away
from tests.moments import AS_OF
from tests.worlds import funnel_queries, marketplaces
from tests.worlds import windows as spans

Rows = list[Row]


def percentile(rows: Rows, part: Fraction) -> Fraction:
    """The continuous percentile of the values: between two neighbours, as far along as it lies."""
    ordered = sorted(Fraction(row["value"]) for row in rows)
    place = part * (len(ordered) - 1)
    low, rest = int(place), place - int(place)
    return ordered[low] + rest * (ordered[min(low + 1, len(ordered) - 1)] - ordered[low])


def ratio(rows: Rows) -> Fraction | None:
    return Fraction(rows[0]["value"], rows[1]["value"]) if len(rows) == 2 and rows[1]["value"] else None


WAYS: Mapping[str, Callable[[Rows], Any]] = {
    "value of the row": lambda rows: rows[0]["value"],
    "number of rows": len,
    "sum of value": lambda rows: sum(Fraction(row["value"]) for row in rows),
    "mean of value": lambda rows: sum(Fraction(row["value"]) for row in rows) / len(rows),
    "median of value": lambda rows: percentile(rows, Fraction(1, 2)),
    "p90 of value": lambda rows: percentile(rows, Fraction(9, 10)),
    "first value / second value": ratio,
    "sum of 100 x weight x (worse + equal / 2) / compared": lambda rows: sum(
        100 * Fraction(row["weight"]) * (row["worse"] + Fraction(row["equal"], 2)) / (row["compared"] or 1)
        for row in rows
    ),
    "sum of weight x total / count over sum of weight": lambda rows: (
        sum(row["weight"] * Fraction(row["total"]) / row["count"] for row in rows) / sum(row["weight"] for row in rows)
    ),
}


@cache
def said(metric: str, column: str) -> tuple[Mapping[str, str], str, int]:
    """What the header of a cell's file says: its fields, how the rows make the cell, and what to divide that by."""
    file = next(f for f in sql.read_all("explain") if f"{metric}.{column}" in f.listed("Explains"))
    how = explain.how(metric, column)
    way, _, divisor = how.partition(" / ") if "of value /" in how else (how, "", "1")
    return file.fields, way, int(divisor)


def made(metric: str, column: str, rows: Rows) -> Any:
    """What the rows make, in the way the header of their file says."""
    fields, way, divisor = said(metric, column)
    if not rows and "Empty" in fields:
        return None if fields["Empty"] == "null" else Fraction(fields["Empty"])
    value = WAYS[way](rows)
    if isinstance(value, Fraction) and "Decimals" in fields:
        return half_away(value / divisor, int(fields["Decimals"]))
    return value


def agrees(cell: Any, found: Any) -> bool:
    return cell == found if not isinstance(found, str) else str(cell) == found


def differing(rows: Rows, metric: str, ask: Callable[[Row, str], Rows]) -> list[str]:
    """The cells of a metric that their rows do not make, in words."""
    found = []
    for row in rows:
        for column, cell in row.items():
            behind = ask(row, column)
            result = made(metric, column, behind)
            if not agrees(cell, result):
                found.append(f"{column} is {cell!r}, its {len(behind)} rows make {result!r}: {row}")
    return found


def explained(connection: duckdb.DuckDBPyConnection, rows: Rows, metric: str, asked: metrics.Parameters) -> list[str]:
    def ask(row: Row, column: str) -> Rows:
        return warehouses.rows_of(explain.rows(connection, metric, row, column, asked))

    return differing(rows, metric, ask)


@pytest.fixture(scope="module")
def using(
    create_database: Callable[..., str], schema_template: str, tmp_path_factory: pytest.TempPathFactory
) -> Settings:
    """A sampled marketplace, refreshed."""
    home: Path = tmp_path_factory.mktemp("explain")
    url = create_database(schema_template)
    made_of = Settings(_env_file=None, postgres_url=url, home=home, warehouse=home / "warehouse.duckdb")  # type: ignore[arg-type, call-arg]
    sample.generate(made_of, scale=0.01, seed=4)
    refresh.run(made_of, as_of=AS_OF)
    return made_of


@pytest.fixture(scope="module")
def raw(using: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    """A warehouse in memory, to be filled with a small world; it tells of one refresh."""
    connection = warehouses.in_memory(warehouses.raw_definitions(using))
    connection.execute(
        "insert into meta.refreshes (refresh_id, as_of, taken_at) values (uuid(), $at, $at)", {"at": AS_OF}
    )
    yield connection
    connection.close()


def test_every_column_of_the_four_tables_is_explained_and_no_other(using: Settings) -> None:
    with reader.connect(using) as warehouse:
        for metric in explain.KEYS:
            assert sorted(explain.columns(metric)) == sorted(warehouse.metric(metric).columns)


def test_the_rows_behind_every_cell_of_a_sampled_marketplace_make_the_cell(using: Settings) -> None:
    with reader.connect(using) as warehouse:
        for metric in ("agent_leaderboard", "agent_performance_metrics", "brand_reputations", "conversion_funnels"):

            def ask(row: Row, column: str, metric: str = metric) -> Rows:
                return warehouse.explain(metric, row, column).to_dicts()

            assert differing(warehouse.metric(metric).to_dicts(), metric, ask) == []


@settings(max_examples=4, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(world=marketplaces(max_users=6), span=spans(), query=funnel_queries())
def test_the_rows_behind_every_cell_of_any_small_marketplace_make_the_cell(
    raw: duckdb.DuckDBPyConnection,
    world: World,
    span: tuple[datetime | None, datetime | None],
    query: dict[str, Any],
) -> None:
    """All time, and a leaderboard and a funnel in a window, broken down and within."""
    warehouses.fill(raw, world)
    asked = warehouses.all_time(AS_OF)
    tables = warehouses.compute_all(raw, asked)
    for metric in ("agent_performance_metrics", "brand_reputations"):
        assert explained(raw, tables[metric], metric, asked) == []
    window = metrics.Parameters(windows.window(AS_OF, *span), "usd", "UTC")
    board = warehouses.rows_of(metrics.evaluate(raw, "agent_leaderboard", window))
    assert explained(raw, board, "agent_leaderboard", window) == []
    units = metrics.Parameters(
        windows.window(AS_OF, query["since"], query["until"]),
        "usd",
        query["tz"],
        within=query["within"],
        by=query["by"],
        funnels=(query["name"],),
    )
    funnel = warehouses.rows_of(metrics.evaluate(raw, "conversion_funnels", units))
    assert explained(raw, funnel[:8], "conversion_funnels", units) == []
