"""An earlier file is brought up to now instead of copying the published one: equal results, and readers undisturbed."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from si_analytics import publish, refresh, sample, warehouse
from si_analytics.refresh import Refresh, backfill, work_file
from si_analytics.refresh.run_log import RefreshReport
from si_analytics.settings import Settings
from si_analytics.warehouse import versions
from tests.support import extractions, worlds
from tests.support.forks import AFTER, BEFORE, forking
from tests.support.published_tables import assert_published, connection_to, small_world
from tests.support.worlds import AS_OF

FILLED_ANEW = "the warehouse was filled anew, or its past days were, since the spare file was published"
REWRITTEN = "the table was rewritten, altered or replaced since"
IN_USE = "another program has the spare file open, or the file system does not tell"
HOLD = "import sys; held = open(sys.argv[1], 'rb'); print(flush=True); sys.stdin.readline()"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Nothing is kept, so that each refresh leaves the file it replaced as the spare."""
    return settings.model_copy(update={"kept_days": 0})


@pytest.fixture
def twice(settings: Settings, postgres: psycopg.Connection) -> Settings:
    """A small world that was refreshed twice: the file of the first refresh is the spare."""
    fill(postgres)
    for _ in range(2):
        refreshed(settings)
    return settings


def fill(postgres: psycopg.Connection) -> None:
    """A small world with so many commissions that a few more are not most of them."""
    worlds.insert(postgres, small_world().world)
    for number in range(40):
        pay(postgres, f"{number + 1}.50")


def refreshed(settings: Settings, **asked: Any) -> RefreshReport:
    return refresh.run(settings, as_of=AS_OF, accept_change=True, **asked)


def pay(postgres: psycopg.Connection, amount: str = "9.00") -> None:
    """One more commission, so that the next refresh has something to write."""
    postgres.execute(
        "insert into transactions (type, to_user_id, amount, currency, status, created_at)"
        " select 'agent_commission', user_id, %s, 'usd', 'completed', '2026-05-01'"
        " from agent_profiles order by user_id limit 1",
        [amount],
    )


def contents(path: Path) -> dict[str, Any]:
    """The rows of every table of a warehouse, in an order of their own."""
    with duckdb.connect(str(path), read_only=True) as opened:
        opened.execute("set TimeZone = 'UTC'")
        tables = opened.sql(
            "select schema_name || '.' || table_name from duckdb_tables() where schema_name not in ('meta', 'changes')"
            " order by all"
        ).fetchall()
        return {name: opened.table(name).order("all").fetchall() for (name,) in tables}


def filled_anew(settings: Settings, folder: Path) -> dict[str, Any]:
    """What a warehouse that reads everything now would hold, but for the days gone by."""
    other = settings.model_copy(update={"warehouse": folder / "other.duckdb"})
    with Refresh(other, as_of=AS_OF) as whole:
        whole.extract()
        whole.finish()
    found = contents(other.warehouse)
    other.warehouse.unlink()
    return found


def same_rows(settings: Settings, folder: Path) -> None:
    anew = {name: rows for name, rows in filled_anew(settings, folder).items() if not name.startswith("history.")}
    here = contents(settings.warehouse)
    for name, rows in anew.items():
        assert here[name] == rows, name


@contextmanager
def other_program(path: Path) -> Iterator[None]:
    """Another program that has the file open and sets no lock on it, as one that copies it."""
    with subprocess.Popen([sys.executable, "-c", HOLD, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield
        process.communicate(b"\n")


def test_from_the_third_refresh_on_the_replaced_file_is_brought_up_and_nothing_is_copied(
    twice: Settings, postgres: psycopg.Connection, tmp_path: Path
) -> None:
    """The two files take turns: the one that is worked on is the very file that was published before the last."""
    for _ in range(3):
        pay(postgres)
        spare, published = warehouse.spare_path(twice).stat().st_ino, twice.warehouse.stat().st_ino
        assert refreshed(twice).file == work_file.SPARE
        assert (twice.warehouse.stat().st_ino, warehouse.spare_path(twice).stat().st_ino) == (spare, published)
    same_rows(twice, tmp_path)
    assert_published(postgres, worlds.read(postgres), AS_OF)


def test_what_came_changed_and_went_is_told_since_the_last_refresh_and_not_since_the_files_own(
    twice: Settings, postgres: psycopg.Connection
) -> None:
    for _ in range(4):
        pay(postgres)
    postgres.execute("update users set name = 'Renamed' where id in (select id from users order by id limit 2)")
    first = {one.table: one for one in refreshed(twice).extracts}
    assert (first["transactions"].inserted, first["transactions"].updated, first["transactions"].deleted) == (4, 0, 0)
    postgres.execute("update transactions set amount = 7 where id = (select min(id::text)::uuid from transactions)")
    postgres.execute("delete from transactions where id = (select max(id::text)::uuid from transactions)")
    pay(postgres)
    report = refreshed(twice)
    second = {one.table: one for one in report.extracts}
    assert report.file == work_file.SPARE
    assert (second["transactions"].inserted, second["transactions"].updated, second["transactions"].deleted) == (
        1,
        1,
        1,
    )
    third = {one.table: one for one in refreshed(twice).extracts}
    assert (third["transactions"].inserted, third["transactions"].updated, third["transactions"].deleted) == (0, 0, 0)


CHANGES = st.lists(
    st.lists(st.tuples(st.sampled_from(["insert", "update", "delete"]), st.integers(0, 5)), max_size=5),
    min_size=2,
    max_size=3,
)


@examples(max_examples=4, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(rounds=CHANGES)
def test_whatever_changes_between_refreshes_the_file_holds_what_one_that_is_filled_anew_does(
    twice: Settings, postgres: psycopg.Connection, tmp_path: Path, rounds: list[list[tuple[str, int]]]
) -> None:
    """And tells how many rows came, changed and went as Postgres itself does."""
    refreshed(twice)
    for changes in rounds:
        before = extractions.standing(postgres, "transactions")
        touched = {change(postgres, kind, place) for kind, place in changes}
        now = extractions.standing(postgres, "transactions")
        report = refreshed(twice)
        told = next(one for one in report.extracts if one.table == "transactions")
        assert report.file == work_file.SPARE
        assert (told.rows, told.inserted, told.deleted) == (
            len(now),
            len(now.keys() - before),
            len(before.keys() - now),
        )
        assert told.updated == len(touched & now.keys() & before.keys())
    same_rows(twice, tmp_path)


def change(postgres: psycopg.Connection, kind: str, place: int) -> object:
    """Change the row at that place; returns its key, None if there is none."""
    if kind == "insert":
        pay(postgres, f"{place + 1}.00")
        return None
    found = postgres.execute("select id from transactions order by id offset %s limit 1", [place]).fetchone()
    if found is None:
        return None
    if kind == "update":
        postgres.execute("update transactions set amount = amount + 1 where id = %s", found)
    else:
        postgres.execute("delete from transactions where id = %s", found)
    return found[0]


def test_a_file_that_is_read_is_never_written_to_and_the_refresh_copies(
    twice: Settings, postgres: psycopg.Connection
) -> None:
    spare = warehouse.spare_path(twice)
    before = spare.read_bytes()
    with spare.open("rb") as reading:
        pay(postgres)
        assert refreshed(twice).file == f"{work_file.COPY}: {IN_USE}"
        assert reading.read() == before


def test_a_program_that_copies_the_file_without_a_lock_is_seen(twice: Settings, postgres: psycopg.Connection) -> None:
    with other_program(warehouse.spare_path(twice)):
        pay(postgres)
        assert refreshed(twice).file == f"{work_file.COPY}: {IN_USE}"


def test_a_reader_of_this_process_goes_on_while_two_refreshes_replace_its_file(
    twice: Settings, postgres: psycopg.Connection
) -> None:
    """The reader's process opened and closed the file once more, which takes DuckDB's lock away."""
    with duckdb.connect(str(twice.warehouse), read_only=True) as reading:
        rows = "select * from raw.transactions order by all"
        before = reading.sql(rows).fetchall()
        versions.available(twice)
        ways = []
        for _ in range(3):
            pay(postgres)
            ways.append(refreshed(twice).file)
        assert ways == [work_file.SPARE, f"{work_file.COPY}: {IN_USE}", work_file.SPARE]
        assert reading.sql(rows).fetchall() == before


def test_a_file_with_a_second_name_is_left_alone(twice: Settings, postgres: psycopg.Connection, tmp_path: Path) -> None:
    backup = tmp_path / "backup.duckdb"
    os.link(warehouse.spare_path(twice), backup)
    before = backup.read_bytes()
    pay(postgres)
    assert refreshed(twice).file == f"{work_file.COPY}: the spare file has a second name"
    assert backup.read_bytes() == before


@pytest.mark.parametrize("part", ["head", "middle", "all"])
def test_a_damaged_spare_gives_way_to_a_copy(
    twice: Settings, postgres: psycopg.Connection, tmp_path: Path, part: str
) -> None:
    spare = warehouse.spare_path(twice)
    size = spare.stat().st_size
    start, end = {"head": (0, 8192), "middle": (12288, size), "all": (0, size)}[part]
    with spare.open("r+b") as file:
        file.seek(start)
        file.write(b"\xa5" * (end - start))
    pay(postgres)
    assert refreshed(twice).file.startswith(f"{work_file.COPY}: the spare file is damaged")
    same_rows(twice, tmp_path)


def test_what_was_wrong_before_every_row_was_read_does_not_come_back(
    twice: Settings, postgres: psycopg.Connection, tmp_path: Path
) -> None:
    """A warehouse that lost a value is repaired by --full; the file from before still has the wrong one."""
    with duckdb.connect(str(twice.warehouse)) as opened:
        opened.execute("update raw.users set name = 'Wrong'")
    refreshed(twice, full=True)
    assert refreshed(twice).file == f"{work_file.COPY}: {FILLED_ANEW}"
    assert refreshed(twice).file == work_file.SPARE
    same_rows(twice, tmp_path)


def test_days_that_were_filled_later_are_not_lost_to_an_earlier_file(
    twice: Settings, postgres: psycopg.Connection
) -> None:
    refreshed(twice)
    day = AS_OF.date() - timedelta(days=9)
    backfill.backfill(twice, day, day + timedelta(days=2))
    kept = days(twice)
    assert {day, day + timedelta(days=1), day + timedelta(days=2)} < set(kept)
    ways = []
    for _ in range(3):
        pay(postgres)
        ways.append(refreshed(twice).file)
        assert days(twice).keys() == kept.keys()
    assert ways[-1] == work_file.SPARE
    assert {one: rows for one, rows in days(twice).items() if one <= day + timedelta(days=2)} == {
        one: rows for one, rows in kept.items() if one <= day + timedelta(days=2)
    }


def days(settings: Settings) -> dict[date, list[Any]]:
    with extractions.duck(settings) as opened:
        found: dict[date, list[Any]] = {}
        for day, *row in opened.sql("select * from history.agent_leaderboard order by all").fetchall():
            found.setdefault(day, []).append(row)
        return found


def test_days_of_refreshes_in_between_are_brought_along(settings: Settings, postgres: psycopg.Connection) -> None:
    """Each refresh describes a day of its own; the file of the one before the last lacks the last one's day."""
    fill(postgres)
    ways = []
    for number in range(4):
        pay(postgres)
        ways.append(refresh.run(settings, as_of=AS_OF + timedelta(days=number)).file)
    assert ways[2:] == [work_file.SPARE, work_file.SPARE]
    assert len(days(settings)) == 4
    with extractions.duck(settings) as opened:
        assert opened.sql("select number from meta.refreshes order by number").fetchall() == [(1,), (2,), (3,), (4,)]
        for table in ("extracts", "metrics", "checks"):
            counted = opened.sql(f"select count(distinct refresh_id) from meta.{table}").fetchone()
            assert counted == (4,), table


def test_a_day_deleted_by_hand_stays_deleted(twice: Settings, postgres: psycopg.Connection) -> None:
    refresh.run(twice, as_of=AS_OF + timedelta(days=1))
    wrong = AS_OF.date() - timedelta(days=1)
    assert wrong in days(twice)
    with duckdb.connect(str(twice.warehouse)) as opened:
        opened.execute("delete from history.agent_leaderboard where as_of_date = $1", [wrong])
    for number in range(2, 5):
        report = refresh.run(twice, as_of=AS_OF + timedelta(days=number))
        assert wrong not in days(twice), report.file


def test_a_table_that_was_rewritten_is_read_whole_once(twice: Settings, postgres: psycopg.Connection) -> None:
    postgres.execute("alter table users add column shoe_size int")
    reports = [refreshed(twice) for _ in range(3)]
    assert (
        reports[1].file
        == f"{work_file.COPY}: a table was rewritten, altered or replaced since the spare file was published"
    )
    assert [[one.table for one in report.extracts if one.reason == REWRITTEN] for report in reports] == [
        ["users"],
        [],
        [],
    ]


def test_a_spare_whose_refresh_postgres_does_not_know_gives_way_to_a_copy(
    twice: Settings, postgres: psycopg.Connection, tmp_path: Path
) -> None:
    postgres.execute(
        "delete from analytics.refreshes where refresh_id ="
        " (select refresh_id from analytics.refreshes order by finished_at limit 1)"
    )
    pay(postgres)
    report = refreshed(twice)
    assert report.file.startswith(f"{work_file.COPY}: of the earlier file, the last refresh was not published here")
    assert {one.mode for one in report.extracts} == {"incremental"}
    same_rows(twice, tmp_path)


def test_with_refreshes_kept_the_latest_that_is_no_longer_kept_is_the_spare(
    settings: Settings, postgres: psycopg.Connection, tmp_path: Path
) -> None:
    keeping = settings.model_copy(update={"kept_days": 7})
    fill(postgres)
    ways = []
    for _ in range(6):
        pay(postgres)
        ways.append(refreshed(keeping).file)
    assert ways[4:] == [work_file.SPARE, work_file.SPARE]
    assert [one.number for one in versions.available(keeping)] == [4, 5, 6]
    same_rows(keeping, tmp_path)
    assert_published(postgres, worlds.read(postgres), AS_OF)


def test_a_preview_may_use_up_the_spare_and_the_next_refresh_copies(
    twice: Settings, postgres: psycopg.Connection, tmp_path: Path
) -> None:
    pay(postgres)
    _, found = refresh.preview(twice, as_of=AS_OF)
    assert found.counts
    assert not warehouse.spare_path(twice).exists()
    assert refreshed(twice).file == f"{work_file.COPY}: there is no spare file"
    same_rows(twice, tmp_path)


def test_refreshes_that_are_killed_while_they_bring_a_file_up_leave_the_published_one_and_the_next_is_right(
    make_sampled: Callable[[float, int], Settings],
) -> None:
    """At every kind of step and on both sides of the rename; each follows two that ended, so that there is a spare."""
    settings = make_sampled(0.01, 13)
    assert settings.postgres_url is not None
    url = settings.postgres_url.get_secret_value()
    moments = [
        ("extract", "users"),
        ("fact", "facts.bonuses"),
        ("compute", "agent_leaderboard"),
        ("publish", publish.targets()[0]),
    ]
    with (
        forking(url, settings.home, settings.warehouse, SI_KEPT_DAYS="0") as forks,
        connection_to(settings) as postgres,
    ):
        for moment in [*moments, (BEFORE, ""), (AFTER, "")]:
            for _ in range(2):
                assert forks.refresh().code == 0
            spare = warehouse.spare_path(settings).stat().st_ino
            before = settings.warehouse.read_bytes()
            pay(postgres)
            assert forks.refresh(at=moment).killed, moment
            replaced = moment[0] == AFTER
            assert (settings.warehouse.read_bytes() == before) is not replaced, moment
            left = settings.warehouse if replaced else warehouse.working_path(settings)
            assert left.stat().st_ino == spare, moment
            assert forks.refresh().code == 0
            assert not warehouse.working_path(settings).exists()
            assert_published(postgres, worlds.read(postgres), sample.END)
