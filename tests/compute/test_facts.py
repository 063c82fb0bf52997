"""Stored facts are read only as of their moment and by today's query; facts and dimensions are keyed and typed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from si_analytics.compute import facts, metrics
from si_analytics.definitions import Fact, loading, project
from si_analytics.definitions.fact_models import SCALES
from si_analytics.settings import Settings
from tests.support import crowds, warehouses
from tests.support.moments import AS_OF

EARLIER = AS_OF - timedelta(days=40)
TICK = timedelta(microseconds=1)
WHOLE = {"microseconds"}
COUNTS = {"followers"}
ALWAYS = {f"dimensions.{name}" for name in project().dimensions if name != "gig"}
"""What a gig is depends on the moment: one that was posted later is none."""


@pytest.fixture(scope="module")
def filled(
    create_database: Callable[..., str], schema_template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A marketplace in a warehouse, without facts."""
    home = tmp_path_factory.mktemp("facts")
    url = create_database(schema_template)
    using = Settings(_env_file=None, postgres_url=url, home=home, warehouse=home / "warehouse.duckdb")  # type: ignore
    connection = warehouses.in_memory(warehouses.raw_definitions(using))
    warehouses.fill(connection, crowds.crowd(1))
    connection.execute("create schema if not exists facts; create schema if not exists dimensions")
    yield connection
    connection.close()


@pytest.fixture
def connection(filled: duckdb.DuckDBPyConnection) -> Iterator[duckdb.DuckDBPyConnection]:
    """The same, and what the test does to it is undone."""
    filled.begin()
    yield filled
    filled.rollback()


def rows(connection: duckdb.DuckDBPyConnection, table: str) -> list[tuple[object, ...]]:
    return connection.sql(f"select * from {table} order by all").fetchall()


@pytest.mark.parametrize("table", facts.names())
def test_the_columns_are_those_declared_and_of_the_type_of_their_unit(
    connection: duckdb.DuckDBPyConnection, table: str
) -> None:
    """What a row can be grouped by is a text, a list of texts or a flag; money and stars have their places."""
    facts.compute(connection, table, AS_OF)
    held, one = connection.table(table), facts.of(table)
    assert tuple(held.columns) == one.selected
    types = dict(zip(held.columns, map(str, held.types), strict=True))
    attributes = {column.name for column in one.attributes}
    for column in one.columns:
        kind = types.get(column.name, "")
        if column.name not in types:
            assert column.unit.startswith("month of ")
            assert types[column.unit.removeprefix("month of ")] == "TIMESTAMP WITH TIME ZONE"
        elif column.unit == "list":
            assert kind == "VARCHAR[]", column.name
        elif column.unit == "time":
            assert kind == "TIMESTAMP WITH TIME ZONE", column.name
        elif column.unit in SCALES:
            assert re.fullmatch(rf"DECIMAL\(\d+,{SCALES[column.unit]}\)", kind), column.name
        elif column.unit in WHOLE:
            assert kind == "BIGINT", column.name
        elif column.unit in COUNTS:
            assert kind in {"INTEGER", "BIGINT"}, column.name
        elif column.name in attributes:
            assert kind in {"VARCHAR", "BOOLEAN"}, column.name
        else:
            assert (column.unit, kind) == ("", "UUID"), column.name


@pytest.mark.parametrize("table", facts.names())
@pytest.mark.parametrize("as_of", [AS_OF, EARLIER])
def test_a_key_is_there_and_tells_each_row_from_all_others(
    connection: duckdb.DuckDBPyConnection, table: str, as_of: datetime
) -> None:
    """A dimension is joined by its key: one that had it twice would count a fact twice."""
    number, one = facts.compute(connection, table, as_of), facts.of(table)
    key = one.key if isinstance(one, Fact) else (one.key,)
    assert len(set(connection.table(table).select(*key).fetchall())) == number
    assert connection.table(table).filter(" or ".join(f"{name} is null" for name in key)).fetchall() == []
    assert number > 0


@pytest.mark.parametrize("name", list(project().facts))
def test_no_fact_happens_at_its_moment_or_later(connection: duckdb.DuckDBPyConnection, name: str) -> None:
    facts.compute(connection, f"facts.{name}", EARLIER)
    time = project().facts[name].time
    assert connection.table(f"facts.{name}").filter(f"{time} >= '{EARLIER.isoformat()}'").fetchall() == []


@pytest.mark.parametrize("name", list(project().funnels))
@pytest.mark.parametrize("as_of", [AS_OF, EARLIER])
def test_a_stage_with_a_known_time_before_the_moment_is_reached_and_no_other_has_one(
    connection: duckdb.DuckDBPyConnection, name: str, as_of: datetime
) -> None:
    fact = project().funnels[name]
    facts.compute(connection, f"facts.{fact.name}", as_of)
    held = connection.table(f"facts.{fact.name}")
    for stage in fact.stages:
        assert held.filter(f"{stage.time} >= '{as_of.isoformat()}'").fetchall() == []
        if stage.flag:
            assert (
                held.filter(f"{stage.flag} is null or ({stage.time} is not null and not {stage.flag})").fetchall() == []
            )


def test_a_stored_fact_is_read_as_of_its_moment_alone_and_a_dimension_at_any(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    assert facts.stored(connection, AS_OF) == frozenset()
    for table in facts.names():
        facts.compute(connection, table, AS_OF)
    assert facts.stored(connection, AS_OF) == set(facts.names())
    for other in (AS_OF - TICK, AS_OF + TICK):
        assert facts.stored(connection, other) == ALWAYS


def test_a_stored_fact_of_another_query_is_not_read(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Comments and layout are not the query."""
    import shutil

    facts.compute(connection, "facts.deals", AS_OF)
    facts.compute(connection, "facts.reviews", AS_OF)
    copy = tmp_path / "sql"
    shutil.copytree(loading.root(), copy)
    deals, reviews = copy / "facts" / "deals.sql", copy / "facts" / "reviews.sql"
    deals.write_text(deals.read_text("utf-8").replace("where created_at <", "where created_at <="), encoding="utf-8")
    reviews.write_text(reviews.read_text("utf-8").replace('"mean"', '"the mean"') + "\n-- said\n", encoding="utf-8")
    monkeypatch.setattr(loading, "root", lambda: copy)
    monkeypatch.setattr(loading, "RECHECK_SECONDS", 0)
    assert facts.stored(connection, AS_OF) == {"facts.reviews"}


def test_a_table_without_a_mark_is_not_read(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute("create table facts.deals (deal_id uuid)")
    assert facts.stored(connection, AS_OF) == frozenset()


@pytest.mark.parametrize("name", sorted(project().metrics))
def test_a_metric_says_the_same_whether_its_facts_are_stored_or_worked_out(
    connection: duckdb.DuckDBPyConnection, name: str
) -> None:
    """Also where some are stored, and where those that are stored are as of another moment."""
    asked = warehouses.all_time(AS_OF)
    for other in metrics.names():
        metrics.compute(connection, other, asked)
    worked_out = metrics.evaluate(connection, name, asked).fetchall()
    for table in facts.names():
        facts.compute(connection, table, EARLIER)
    assert metrics.evaluate(connection, name, asked).fetchall() == worked_out
    for table in facts.names()[::2]:
        facts.compute(connection, table, AS_OF)
    assert metrics.evaluate(connection, name, asked).fetchall() == worked_out
    for table in facts.names():
        facts.compute(connection, table, AS_OF)
    assert metrics.evaluate(connection, name, asked).fetchall() == worked_out


def test_a_stored_fact_is_what_a_metric_reads(connection: duckdb.DuckDBPyConnection) -> None:
    asked = warehouses.all_time(AS_OF)
    for table in facts.names():
        facts.compute(connection, table, AS_OF)
    connection.execute("delete from facts.reviews")
    counts = metrics.evaluate(connection, "user_ratings", asked).aggregate("sum(review_count)").fetchone()
    assert counts == (0,)


def test_the_query_of_a_fact_goes_before_the_one_that_reads_it() -> None:
    inputs = ("facts.deals", "dimensions.user", "raw.gigs")
    for text in (
        "select count(*) from facts.deals",
        "with asked as (select 1)\nselect count(*) from (select * from facts.deals)",
        'select 1 from dimensions."user" as "user" cross join facts.deals as deals',
    ):
        found = facts.whole(text, inputs)
        assert "facts." not in found.rpartition("raw.users")[2]
        assert re.search(r"with\s+facts_deals as \(", found)
        (statement,) = duckdb.extract_statements(found)
        assert statement.named_parameters == {"as_of"}
    assert facts.whole("select 1 from facts.deals", inputs, inputs) == "select 1 from facts.deals"


def test_a_fact_whose_name_begins_like_another_s_is_left_alone() -> None:
    text = "select 1 from facts.deals_of_mine cross join facts.deals"
    assert "facts.deals_of_mine cross join facts_deals" in facts.whole(text, ("facts.deals",))
