"""An incremental extraction misses no change, however it came about, and counts each as what it was."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, note
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from psycopg import sql as pg_sql

from si_analytics import schema
from si_analytics.postgres import row_marks
from si_analytics.settings import Settings
from tests.support import extractions
from tests.support.extractions import Extraction, extraction
from tests.support.writings import NUMBERS, TABLES, Operation, Writing, add, fill, writings


@pytest.fixture(params=["embedded", "outside"])
def either(request: pytest.FixtureRequest, make_settings: Callable[..., Settings]) -> Settings:
    """Settings on a database with the schema: of the embedded server, and of the machine's own."""
    if request.param == "embedded":
        found: Settings = request.getfixturevalue("settings")
        return found
    outside = request.getfixturevalue("outside_server")
    settings = make_settings(outside.url_of(outside.create_database()))
    schema.apply(settings)
    return settings


@pytest.fixture
def however_many(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tables of a few rows: however many of them change, the changes alone are read."""
    monkeypatch.setattr("si_analytics.extract.reading._MOST_CHANGED", 1.0)


@pytest.fixture
def read_once(settings: Settings, however_many: None) -> Iterator[Extraction]:
    """Eight rows in each of the tables, read by a first extraction."""
    with extraction(settings, *TABLES) as reading:
        fill(reading.postgres)
        reading.refresh()
        yield reading


def assert_counted(reading: Extraction, before: dict[str, Any], since_is_quiet: bool, told: dict[str, Any]) -> None:
    for table in TABLES:
        old, new = before[table], extractions.versions(reading.postgres, table)
        written = sum(old[key][0] != new[key][0] for key in old.keys() & new.keys())
        one = told[table]
        assert (one.mode, one.reason, one.rows) == ("incremental", "", len(new)), table
        assert (one.inserted, one.deleted) == (len(new.keys() - old.keys()), len(old.keys() - new.keys())), table
        assert one.updated >= written, table
        # A server that was writing elsewhere when the snapshot before was taken may have a few rows read twice.
        assert one.updated == written or not since_is_quiet, table


@hypothesis_settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(
    st.sets(st.tuples(st.sampled_from(list(TABLES)), st.sampled_from(NUMBERS))),
    st.lists(st.lists(writings, max_size=4), min_size=2, max_size=3),
)
def test_whatever_is_written_between_refreshes_arrives_and_is_counted(
    settings: Settings, however_many: None, first: set[tuple[str, int]], rounds: list[list[Writing]]
) -> None:
    with extraction(settings, *TABLES) as reading:
        postgres = reading.postgres
        postgres.execute("set session_replication_role = replica")
        for table in TABLES:
            postgres.execute(pg_sql.SQL("delete from {}").format(pg_sql.Identifier(table)))
        for table, number in sorted(first):
            add(postgres, table, number)
        assert {one.mode for one in reading.refresh().values()} == {"full"}
        reading.assert_equal()
        for writing in rounds:
            before = {table: extractions.versions(postgres, table) for table in TABLES}
            assert reading.baseline is not None
            since = reading.baseline.snapshot
            for one in writing:
                one.run(postgres)
            told = reading.refresh()
            note(str(told))
            reading.assert_equal()
            assert_counted(reading, before, since.xmin == since.xmax, told)


def test_without_changes_no_row_is_read_again(either: Settings) -> None:
    with extraction(either) as reading:
        fill(reading.postgres)
        first = reading.refresh()
        assert all(
            (one.mode, one.inserted, one.updated, one.deleted) == ("full", one.rows, 0, 0) for one in first.values()
        )
        second = reading.refresh()
        assert {(o.mode, o.reason, o.inserted, o.updated, o.deleted) for o in second.values()} == {
            ("incremental", "", 0, 0, 0)
        }
        assert {name: one.rows for name, one in second.items()} == {name: one.rows for name, one in first.items()}
        reading.assert_equal()


def test_an_insert_an_update_and_a_delete_are_each_found(either: Settings) -> None:
    """Twelve users: 12 goes, 1 gets another name, 13 comes. Three keys differ, and only two rows are read."""
    with extraction(either, "users") as reading:
        fill(reading.postgres, 12)
        reading.refresh()
        Operation("users", "delete", 12, 0).run(reading.postgres)
        Operation("users", "update", 1, 0).run(reading.postgres)
        add(reading.postgres, "users", 13)
        told = reading.refresh()["users"]
        assert (told.mode, told.inserted, told.updated, told.deleted) == ("incremental", 1, 1, 1)
        reading.assert_equal()


def test_a_transaction_in_flight_at_the_snapshot_is_found_once_it_commits(read_once: Extraction) -> None:
    """It began before the snapshot, wrote before and after it, and others that began later ended before it."""
    with extractions.connect(read_once.settings) as other:
        other.execute("set session_replication_role = replica")
        with other.transaction():
            add(other, "users", 9)
            Operation("users", "update", 1, 0).run(other)
            add(read_once.postgres, "users", 10)
            during = read_once.refresh()["users"]
            assert (during.inserted, during.updated, during.deleted) == (1, 0, 0)
            Operation("users", "delete", 2, 0).run(other)
    after = read_once.refresh()["users"]
    # Row 10 was read already; its number lies beyond the oldest transaction then in flight, so it is read twice.
    assert (after.mode, after.inserted, after.updated, after.deleted) == ("incremental", 1, 2, 1)
    read_once.assert_equal()


def test_a_transaction_in_flight_over_several_refreshes_is_found_by_the_one_that_sees_it(
    read_once: Extraction,
) -> None:
    with extractions.connect(read_once.settings) as other, other.transaction():
        Operation("users", "update", 3, 0).run(other)
        for _ in range(3):
            assert read_once.refresh()["users"].updated == 0
    assert read_once.refresh()["users"].updated == 1
    read_once.assert_equal()


def test_a_prepared_transaction_is_found_once_it_is_committed(
    outside_server: Any, make_settings: Callable[..., Settings], however_many: None
) -> None:
    settings = make_settings(outside_server.url_of(outside_server.create_database()))
    schema.apply(settings)
    with extraction(settings, *TABLES) as reading, extractions.connect(settings) as other:
        fill(reading.postgres)
        for number, (name, decision) in enumerate([("kept", "commit prepared"), ("left", "rollback prepared")]):
            other.execute("set session_replication_role = replica")
            other.execute("begin")
            Operation("transactions", "delete", 1 + number, 0).run(other)
            Operation("transactions", "update", 3 + number, 0).run(other)
            add(other, "transactions", 20 + number)
            other.execute(pg_sql.SQL("prepare transaction {}").format(pg_sql.Literal(name)))
            reading.refresh()
            reading.assert_equal()
            other.execute(pg_sql.SQL(decision + " {}").format(pg_sql.Literal(name)))
            told = reading.refresh()["transactions"]
            expected = (1, 1, 1) if name == "kept" else (0, 0, 0)
            assert (told.mode, told.inserted, told.updated, told.deleted) == ("incremental", *expected)
            reading.assert_equal()


def test_what_savepoints_within_savepoints_kept_is_found_and_what_they_gave_up_is_not(read_once: Extraction) -> None:
    """Each savepoint has a transaction number of its own: 64 of them are more than Postgres keeps at hand."""
    postgres = read_once.postgres
    with postgres.transaction():
        for number in range(100, 180):
            with postgres.transaction(force_rollback=number % 4 == 0):
                add(postgres, "users", number)
                with postgres.transaction(force_rollback=number % 4 == 1):
                    add(postgres, "transactions", number)
    told = read_once.refresh()
    assert (told["users"].inserted, told["transactions"].inserted) == (60, 40)
    read_once.assert_equal()


def test_savepoints_in_flight_at_the_snapshot_are_found_once_all_is_committed(read_once: Extraction) -> None:
    with extractions.connect(read_once.settings) as other, other.transaction():
        for number in range(100, 180):
            with other.transaction():
                add(other, "users", number)
        assert read_once.refresh()["users"].inserted == 0
    assert read_once.refresh()["users"].inserted == 80
    read_once.assert_equal()


def test_a_row_that_was_deleted_and_written_anew_under_its_key_is_an_update(read_once: Extraction) -> None:
    for table in TABLES:
        Operation(table, "update", 5, 0).run(read_once.postgres)
    read_once.refresh()
    for table in TABLES:
        Operation(table, "again", 5, 0).run(read_once.postgres)
    told = read_once.refresh()
    assert {(one.inserted, one.updated, one.deleted) for one in told.values()} == {(0, 1, 0)}
    read_once.assert_equal()


def test_as_many_rows_gone_as_came_are_told_from_none(read_once: Extraction) -> None:
    """Eight rows before, eight after: three others."""
    for number in (1, 2, 3):
        Operation("users", "delete", number, 0).run(read_once.postgres)
        add(read_once.postgres, "users", 10 + number)
    told = read_once.refresh()["users"]
    assert (told.rows, told.inserted, told.updated, told.deleted) == (8, 3, 0, 3)
    read_once.assert_equal()


def test_a_row_that_got_another_key_is_one_gone_and_one_come(read_once: Extraction) -> None:
    Operation("agent_profiles", "rekey", 4, 40).run(read_once.postgres)
    told = read_once.refresh()["agent_profiles"]
    assert (told.inserted, told.updated, told.deleted) == (1, 0, 1)
    read_once.assert_equal()


def test_two_rows_that_swapped_their_keys_are_two_updates(read_once: Extraction) -> None:
    for old, new in ((1, 99), (2, 1), (99, 2)):
        Operation("users", "rekey", old, new).run(read_once.postgres)
    told = read_once.refresh()["users"]
    assert (told.inserted, told.updated, told.deleted) == (0, 2, 0)
    read_once.assert_equal()


@pytest.mark.parametrize("statement", ["vacuum full users", "cluster users using users_pkey"])
def test_a_table_whose_rows_were_moved_is_read_anew_and_then_by_changes_again(
    read_once: Extraction, statement: str
) -> None:
    Operation("users", "delete", 1, 0).run(read_once.postgres)
    Operation("users", "update", 2, 0).run(read_once.postgres)
    read_once.postgres.execute(pg_sql.SQL(statement))  # type: ignore[arg-type]
    Operation("users", "update", 3, 0).run(read_once.postgres)
    told = read_once.refresh()
    assert (told["users"].mode, told["users"].reason) == (
        "full",
        "the table was rewritten, altered or replaced since",
    )
    assert told["transactions"].mode == "incremental"
    read_once.assert_equal()
    Operation("users", "update", 4, 0).run(read_once.postgres)
    again = read_once.refresh()["users"]
    assert (again.mode, again.updated) == ("incremental", 1)
    read_once.assert_equal()


def test_a_plain_vacuum_that_frees_places_for_other_rows_changes_nothing(read_once: Extraction) -> None:
    Operation("users", "delete", 1, 0).run(read_once.postgres)
    read_once.refresh()
    read_once.postgres.execute("vacuum (freeze, analyze) users")
    add(read_once.postgres, "users", 77)
    told = read_once.refresh()["users"]
    assert (told.mode, told.inserted, told.updated, told.deleted) == ("incremental", 1, 0, 0)
    read_once.assert_equal()


def test_a_truncated_table_is_empty_and_one_filled_again_holds_its_new_rows(read_once: Extraction) -> None:
    read_once.postgres.execute("truncate transactions")
    told = read_once.refresh()["transactions"]
    assert (told.mode, told.rows) == ("full", 0)
    read_once.assert_equal()
    add(read_once.postgres, "transactions", 1)
    read_once.refresh()
    read_once.postgres.execute("truncate transactions")
    add(read_once.postgres, "transactions", 2)
    assert read_once.refresh()["transactions"].rows == 1
    read_once.assert_equal()


def test_every_row_deleted_leaves_none(read_once: Extraction) -> None:
    read_once.postgres.execute("delete from users")
    told = read_once.refresh()["users"]
    assert (told.mode, told.rows, told.deleted) == ("incremental", 0, 8)
    read_once.assert_equal()


def test_a_table_that_was_empty_is_filled(settings: Settings, however_many: None) -> None:
    with extraction(settings, *TABLES) as reading:
        reading.refresh()
        fill(reading.postgres)
        assert {(one.mode, one.inserted) for one in reading.refresh().values()} == {("incremental", 8)}
        reading.assert_equal()


@pytest.mark.parametrize("listed", [0, 3, 10_000])
def test_however_many_transactions_went_by_their_rows_are_found(
    read_once: Extraction, monkeypatch: pytest.MonkeyPatch, listed: int
) -> None:
    """Few transactions are asked for one by one, many by their age; the answers are the same."""
    monkeypatch.setattr(row_marks, "LISTED", listed)
    for number in range(1, 7):
        Operation("users", "update", number, 0).run(read_once.postgres)
        add(read_once.postgres, "transactions", 20 + number)
    told = read_once.refresh()
    assert (told["users"].updated, told["transactions"].inserted) == (6, 6)
    read_once.assert_equal()
    assert read_once.refresh()["users"].updated == 0


def test_more_than_ten_thousand_transactions_are_really_asked_for_by_age(read_once: Extraction) -> None:
    read_once.postgres.execute(
        "do $$ begin for n in 1..10050 loop perform pg_current_xact_id(); commit; end loop; end $$"
    )
    Operation("users", "update", 6, 0).run(read_once.postgres)
    assert read_once.baseline is not None
    since = read_once.baseline.snapshot
    told = read_once.refresh()["users"]
    assert read_once.baseline.snapshot.xmax - since.xmin > row_marks.LISTED
    assert (told.mode, told.updated) == ("incremental", 1)
    read_once.assert_equal()


def test_a_table_most_of_which_changed_is_read_whole(settings: Settings) -> None:
    """Three of ten rows are read one by one, four of ten with all the others."""
    with extraction(settings, "users", "transactions") as reading:
        fill(reading.postgres, 10)
        reading.refresh()
        for number in range(1, 5):
            Operation("users", "update", number, 0).run(reading.postgres)
            if number < 4:
                Operation("transactions", "update", number, 0).run(reading.postgres)
        told = reading.refresh()
        assert (told["users"].mode, told["users"].reason) == ("full", "most of its rows changed")
        assert (told["transactions"].mode, told["transactions"].updated) == ("incremental", 3)
        reading.assert_equal()
