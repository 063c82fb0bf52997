"""The blocking checks of what was extracted: infinite times, keys that stand twice."""

from __future__ import annotations

import psycopg
import pytest

from si_analytics import extract, warehouse
from si_analytics.compute import checks
from si_analytics.settings import Settings
from tests.support.duck import Duck, key, key_column, tables


def test_an_infinite_time_is_found_in_every_column_of_time_that_is_read(duck: Duck) -> None:
    columns = duck.columns("TIMESTAMP WITH TIME ZONE")
    assert len(columns) == 36
    for number, (table, column) in enumerate(columns):
        value = "-infinity" if number % 2 else "infinity"
        with duck.rows(table, {column: value}) as added:
            assert duck.found("infinite_times") == [
                {"table_name": table, "column_name": column, "key": added, "value": value}
            ]


def test_times_far_away_are_not_infinite(duck: Duck) -> None:
    duck.add("deals", created_at="0001-01-01 00:00:00+00", completed_at="9999-12-31 23:59:59+00")
    duck.add("transactions", created_at=None)
    assert duck.check("infinite_times").passed


@pytest.mark.parametrize("moment", ["infinity", "-infinity", "294276-12-31 23:59:59.999999+00"])
def test_a_time_in_postgres_that_cannot_be_counted_with_reaches_the_check(
    moment: str, settings: Settings, postgres: psycopg.Connection
) -> None:
    user = postgres.execute(
        "insert into users (email, password_hash, name, role, created_at)"
        " values ('a@example.com', 'x', 'Ada', 'agent', %s) returning id",
        [moment],
    ).fetchone()
    assert user is not None
    settings.home.mkdir()
    opened = warehouse.create_working(settings)
    with extract.snapshot(opened, settings) as reading:
        extract.read(opened, reading)
    found = checks.run(opened, "infinite_times", {})
    opened.close()
    assert [(row["table_name"], row["column_name"], row["key"]) for row in found.sample] == [
        ("users", "created_at", user[0])
    ]


def test_the_first_and_the_last_time_of_both_pass(settings: Settings, postgres: psycopg.Connection) -> None:
    postgres.execute(
        "insert into users (email, password_hash, name, role, created_at) values"
        " ('a@example.com', 'x', 'Ada', 'agent', '4714-11-24 00:00:00+00 BC'),"
        " ('b@example.com', 'x', 'Bob', 'agent', '294246-12-31 23:59:59.999999+00')"
    )
    settings.home.mkdir()
    opened = warehouse.create_working(settings)
    with extract.snapshot(opened, settings) as reading:
        extract.read(opened, reading)
    assert checks.run(opened, "infinite_times", {}).passed
    opened.close()


def test_a_key_that_stands_twice_is_found_in_every_table(duck: Duck) -> None:
    for table in tables():
        with duck.rows(table, {key_column(table): key(7)}, {key_column(table): key(7)}):
            duck.add(table, **{key_column(table): key(8)})
            assert duck.found("duplicate_keys") == [{"table_name": table, "key": key(7), "copies": 2}]


def test_the_same_key_in_two_tables_is_no_duplicate(duck: Duck) -> None:
    for table in tables():
        duck.add(table, **{key_column(table): key(7)})
    assert duck.check("duplicate_keys").passed
