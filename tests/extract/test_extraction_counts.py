"""What a reading says came, changed and went is what did, also where every row was read."""

from __future__ import annotations

from typing import Any

import duckdb
import psycopg
import pytest

from pipelines import results
from si_analytics import refresh
from si_analytics.query import warehouse
from si_analytics.refresh import Refresh
from si_analytics.reports.dashboard import gathering
from si_analytics.reports.dashboard.panels import quality
from si_analytics.settings import Settings
from tests.support import extractions, worlds
from tests.support.worlds import Build

AGENTS = 330
WHOLE = "the table was rewritten, altered or replaced since"


@pytest.fixture
def read_once(settings: Settings, postgres: psycopg.Connection) -> Settings:
    """330 agents, read once."""
    build = Build()
    for _ in range(AGENTS):
        build.agent()
    worlds.insert(postgres, build.world)
    refresh.run(settings)
    return settings


def come_and_go(postgres: psycopg.Connection) -> None:
    """2 of the 330 come, 6 go, 3 are renamed: 326 are left."""
    keys = [worlds.identity("users", number) for number in range(1, 10)]
    postgres.execute("delete from users where id = any(%s)", [keys[:6]])
    postgres.execute("update users set name = 'Renamed' where id = any(%s)", [keys[6:]])
    postgres.execute(
        "insert into users (email, password_hash, name, role) select n || '@new', '-', 'New', 'sponsor'"
        " from generate_series(1, 2) as n"
    )


def recorded(settings: Settings, table: str = "users") -> tuple[Any, ...] | None:
    """What the warehouse says of the last reading of a table."""
    with extractions.duck(settings) as published:
        return published.sql(
            "select mode, rows, inserted, updated, deleted from meta.extracts inner join meta.refreshes"
            " using (refresh_id) where table_name = $table order by number desc limit 1",
            params={"table": table},
        ).fetchone()


def test_of_the_first_reading_every_row_came(read_once: Settings) -> None:
    assert recorded(read_once) == ("full", 330, 330, 0, 0)


def test_where_every_row_was_asked_for_it_says_how_many_came_and_went(
    read_once: Settings, postgres: psycopg.Connection
) -> None:
    """Which of them changed would take comparing every value: that is not told."""
    come_and_go(postgres)
    refresh.run(read_once, full=True)
    assert recorded(read_once) == ("full", 326, 2, None, 6)
    refresh.run(read_once, full=True)
    assert recorded(read_once) == ("full", 326, 0, None, 0)


def test_of_a_table_that_alone_is_read_whole_it_says_the_same(
    read_once: Settings, postgres: psycopg.Connection
) -> None:
    come_and_go(postgres)
    postgres.execute("alter table users add column spare text")
    report = refresh.run(read_once)
    assert {one.table: one.reason for one in report.extracts if one.mode == "full"} == {"users": WHOLE}
    assert recorded(read_once) == ("full", 326, 2, None, 6)


def test_changes_that_did_not_add_up_are_counted_from_what_was_published(
    read_once: Settings, postgres: psycopg.Connection
) -> None:
    """The working file is half-way when that is found: ten rows are lost in the warehouse, by a hand that was in it."""
    with duckdb.connect(str(read_once.warehouse)) as published:
        published.execute("delete from raw.users where id in (select id from raw.users order by id desc limit 10)")
    come_and_go(postgres)
    report = refresh.run(read_once)
    assert next(one.reason for one in report.extracts if one.table == "users") == "the changes alone did not add up"
    assert recorded(read_once) == ("full", 326, 12, None, 6)


@pytest.mark.parametrize(
    "spoiled", ["alter table raw.users drop column id", "alter table raw.users alter column id type varchar"]
)
def test_a_warehouse_without_such_keys_is_nothing_to_count_from(read_once: Settings, spoiled: str) -> None:
    with duckdb.connect(str(read_once.warehouse)) as published:
        published.execute(spoiled)
    refresh.run(read_once, full=True)
    assert recorded(read_once) == ("full", 330, None, None, None)


def test_a_refresh_in_words_says_how_many_rows_came_and_went(
    si: Any, read_once: Settings, postgres: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SI_WAREHOUSE", str(read_once.warehouse))
    come_and_go(postgres)
    postgres.execute("alter table users add column spare text")
    assert f"all rows of users (326, of which 2 came; 6 went): {WHOLE}" in si(read_once)("refresh").out


def test_dagster_and_the_dashboard_leave_out_what_is_not_known(
    read_once: Settings, postgres: psycopg.Connection
) -> None:
    come_and_go(postgres)
    with Refresh(read_once, full=True) as open_refresh:
        users = next(one for one in open_refresh.extract() if one.table == "users")
        shown = results.extracted(open_refresh, users)
        open_refresh.publish()
        open_refresh.finish()
    assert {name: shown.get(name) for name in ("changed rows", "inserted", "updated", "deleted")} == {
        **{"changed rows": None, "inserted": 2},
        **{"updated": None, "deleted": 6},
    }
    with warehouse.connect(read_once) as opened:
        table = quality.tables_read(gathering.gather(opened), None)
    columns = [column.key for column in table.columns]
    (row,) = [dict(zip(columns, cells, strict=True)) for cells in table.rows if cells[0] == "users"]
    assert (row["inserted"], row["updated"], row["deleted"]) == ("2", None, "6")
