"""Checks that follow from the targets find the very rows that those written by hand find."""

from __future__ import annotations

import functools
import random
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import duckdb
import pytest

from si_analytics.compute import target_checks
from si_analytics.definitions import ddl, project
from si_analytics.definitions.owners import Owner
from si_analytics.definitions.targets import Limit, Target, limits
from tests.support import warehouses
from tests.support.crowds import corners, crowd, idle
from tests.support.declared_targets import targets_of_today
from tests.support.duck import Duck, key
from tests.support.folders import TESTS
from tests.support.moments import AS_OF

TARGETS = targets_of_today()
TABLES = project().tables
GENERATED = {
    "values_too_large": target_checks.values_too_large(TARGETS, TABLES),
    "values_nearly_too_large": target_checks.values_nearly_too_large(TARGETS, TABLES),
    "metric_keys": target_checks.metric_keys(TARGETS),
}
NUMBERS = [
    (target, one) for target in TARGETS if not target.is_board for one in limits(target, TABLES[target.declared])
]
WORLDS = {
    "crowd 1": functools.partial(crowd, 1),
    "crowd 2": functools.partial(crowd, 2),
    "idle": functools.partial(idle, 3),
    "corners": corners,
}


@pytest.fixture(scope="module", params=WORLDS)
def filled(request: pytest.FixtureRequest, definitions: list[str]) -> Iterator[Duck]:
    """A warehouse with every metric of one of the marketplaces."""
    connection = warehouses.in_memory(definitions)
    warehouses.fill(connection, WORLDS[request.param]())
    warehouses.compute_all(connection, warehouses.all_time(AS_OF))
    yield Duck(connection)
    connection.close()


@pytest.fixture
def computed(filled: Duck) -> Iterator[duckdb.DuckDBPyConnection]:
    """That warehouse; whatever a test does to it is undone."""
    with filled.undone():
        yield filled.connection


def found(connection: duckdb.DuckDBPyConnection, text: str) -> list[dict[str, Any]]:
    return warehouses.rows_of(connection.sql(text))


def same(connection: duckdb.DuckDBPyConnection, check: str) -> list[dict[str, Any]]:
    """The rows that both forms of a check find."""
    rows = found(connection, GENERATED[check])
    assert rows == found(connection, (TESTS / "fixtures" / "by_hand" / f"{check}.sql").read_text(encoding="utf-8"))
    return rows


@pytest.mark.parametrize("check", GENERATED)
def test_a_sound_refresh_has_no_row_that_either_form_finds(computed: duckdb.DuckDBPyConnection, check: str) -> None:
    assert same(computed, check) == []


def _edges(limit: Limit) -> list[Decimal | None]:
    """Values around both bounds, on both sides of zero; far beyond; none at all."""
    step = Decimal(1).scaleb(limit.of_type.as_tuple().exponent)  # type: ignore[arg-type]
    nearly = (limit.of_type * Decimal("0.8")).quantize(step)
    around = [bound + more for bound in (limit.largest, limit.of_type, nearly) for more in (-step, 0 * step, step)]
    return [*around, *(-value for value in around), limit.of_type * 1000, Decimal(0), None]


@pytest.mark.parametrize("seed", range(6))
def test_values_around_every_limit_are_found_by_both_forms_or_by_none(
    computed: duckdb.DuckDBPyConnection, seed: int
) -> None:
    drawn = random.Random(seed)
    held = 0
    for target, limit in NUMBERS:
        (of,) = target.metric_key
        keys = computed.sql(f"select {of} from {target.source} order by 1").fetchall()
        for (row,) in drawn.sample(keys, min(len(keys), 4)):
            statement = f"update {target.source} set {limit.column} = $1 where {of} = $2"
            computed.execute(statement, [drawn.choice(_edges(limit)), row])
            held += 1
    too_large, nearly = same(computed, "values_too_large"), same(computed, "values_nearly_too_large")
    assert 0 < len(too_large) < len(nearly) < held


def test_the_bound_of_a_warning_is_exact_whatever_the_scale_of_a_metric() -> None:
    """Of 9.9 four fifths are 7.92, which a metric of two decimals may reach; of integers the largest is 1717986917."""
    text = "create table if not exists t (id integer primary key, stars numeric(2, 1), deals integer);\n"
    tables = {table.name: table for table in ddl.tables(text)}
    of = Target("t", "t", "public.t", ("id",), ("stars", "deals"), every=Owner("row", "t", "id"))
    connection = duckdb.connect()
    connection.execute("create schema metrics")
    connection.execute(
        "create table metrics.t as select * from (values (1, 7.92, 1717986917), (2, 7.93, 1717986918),"
        " (3, -7.92, -9223372036854775807)) as given (id, stars, deals)"
    )
    rows = connection.sql(target_checks.values_nearly_too_large([of], tables)).fetchall()
    assert [(column, id_) for _, column, id_, *_ in rows] == [("deals", 2), ("deals", 3), ("stars", 2)]


def test_every_number_that_goes_to_an_operational_table_has_a_limit(computed: duckdb.DuckDBPyConnection) -> None:
    assert len(NUMBERS) == 26
    for target, limit in NUMBERS:
        beyond = limit.of_type + Decimal(1).scaleb(limit.of_type.as_tuple().exponent)  # type: ignore[arg-type]
        computed.execute(f"update {target.source} set {limit.column} = $1", [beyond])
    places = {(row["table_name"], row["column_name"]) for row in same(computed, "values_too_large")}
    filled = [target for target, _ in NUMBERS if computed.sql(f"from {target.source}").fetchone()]
    assert places == {(target.bare, one.column) for target, one in NUMBERS if target in filled}


@pytest.mark.parametrize("seed", range(6))
def test_a_row_too_few_or_too_many_is_found_by_both_forms(computed: duckdb.DuckDBPyConnection, seed: int) -> None:
    drawn = random.Random(seed)
    for target in TARGETS:
        if target.every is None:
            continue
        (of,) = target.metric_key
        keys = [row for (row,) in computed.sql(f"select {of} from {target.source} order by 1").fetchall()]
        for row in drawn.sample(keys, min(len(keys), 3)):
            change = drawn.choice(
                [
                    f"delete from {target.source} where {of} = $1",
                    f"insert into {target.source} from {target.source} where {of} = $1",
                    f"update {target.source} set {of} = uuid() where {of} = $1",
                ]
            )
            computed.execute(change, [row])
    gone = [row for (row,) in computed.sql("select id from raw.users order by 1").fetchall()]
    computed.execute("delete from raw.users where id = $1", [drawn.choice(gone)])
    computed.execute("insert into raw.agent_profiles (user_id) values ($1)", [key(987)])
    assert len({row["metric"] for row in same(computed, "metric_keys")}) > 1


def test_a_key_of_several_columns_and_numbers_of_any_type_are_checked() -> None:
    text = (
        "create table if not exists shop_days (shop text, on_day date, visits smallint, share double precision,"
        " fee numeric(3) check (fee <= 500), primary key (shop, on_day));\n"
    )
    tables = {table.name: table for table in ddl.tables(text)}
    shop = Owner("shop", "shops", "id")
    days = Target("days", "days", "public.shop_days", ("shop", "on_day"), ("visits", "share", "fee"), every=shop)
    connection = duckdb.connect()
    connection.execute("create schema metrics")
    connection.execute(
        "create table metrics.days as select * from (values ('a', date '2026-01-01', 32767, 1e300, 500.0),"
        " ('b', date '2026-01-02', -32769, 0, 500.5)) as given (shop, on_day, visits, share, fee)"
    )
    rows = connection.sql(target_checks.values_too_large([days], tables)).fetchall()
    assert rows == [
        ("shop_days", "fee", "b 2026-01-02", Decimal("500.5"), 500),
        ("shop_days", "visits", "b 2026-01-02", -32769, 32767),
    ]
