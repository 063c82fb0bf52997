"""Marks of rows that are half the range of transaction numbers old are not taken for those of new ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from si_analytics import extract, schema
from si_analytics.postgres import embedded, row_marks
from si_analytics.settings import Settings
from tests.support import extractions, outside, worlds
from tests.support.extractions import Extraction, extraction
from tests.support.worlds import Build

HALF = 2**31
ROWS = 20


@pytest.fixture(scope="module")
def aged(request: pytest.FixtureRequest) -> Iterator[outside.OutsideServer]:
    """A server of its own, whose transactions are numbered on as the tests please."""
    binaries = outside.installed_binaries()
    if binaries is None:
        request.getfixturevalue("server")
        binaries = embedded.binaries()
    with outside.running(binaries, _quiet) as running:
        yield running


def _quiet(data: Path) -> str:
    return "-c autovacuum=off"


def freeze(server: outside.OutsideServer, *databases: str) -> None:
    """Freeze every row of every database: what is frozen keeps its mark, and needs no record of its transaction."""
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute("alter database template0 allow_connections true")
    for database in ("template0", "template1", "postgres", *databases):
        with psycopg.connect(server.url_of(database), autocommit=True) as connection:
            connection.execute("vacuum freeze")


def spend(postgres: psycopg.Connection, transactions: int) -> None:
    postgres.execute(
        f"do $$ begin for n in 1..{transactions} loop perform pg_current_xact_id(); commit; end loop; end $$"
    )


@pytest.fixture
def old_rows(aged: outside.OutsideServer, make_settings: Callable[..., Settings]) -> Iterator[Extraction]:
    """Twenty users written some two thousand million transactions ago, frozen, and read a moment ago."""
    name = aged.create_database()
    settings = make_settings(aged.url_of(name))
    schema.apply(settings)
    build = Build()
    for _ in range(ROWS):
        build.agent()
    with extractions.connect(settings) as postgres:
        worlds.insert(postgres, build.world)
    for transaction in (HALF - 2**23, HALF + 2**20):  # in two steps: no server goes further than half the way at once
        freeze(aged, name)
        aged.number_on_from(transaction)
    with extraction(settings, "users") as reading:
        reading.refresh()
        yield reading


def test_rows_frozen_half_the_range_of_transactions_ago_are_not_read_again(old_rows: Extraction) -> None:
    """Of twenty old users one is renamed, ten thousand transactions later: one row is read."""
    marks = {int(mark) for mark, _ in extractions.versions(old_rows.postgres, "users").values()}
    ((latest, looks_new),) = old_rows.postgres.execute(
        "select pg_current_xact_id()::text::bigint, bool_and(age(xmin) < 0) from users"
    ).fetchall()
    assert latest - max(marks) > HALF
    assert looks_new
    spend(old_rows.postgres, row_marks.LISTED + 1)
    old_rows.postgres.execute("update users set name = 'Renamed' where id = %s", [worlds.identity("users", 1)])
    told = old_rows.refresh()["users"]
    assert (told.mode, told.inserted, told.updated, told.deleted) == (extract.INCREMENTAL, 0, 1, 0)
    old_rows.assert_equal()
