"""What the log tells is what changed, whatever was written, committed, rolled back or still open."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import psycopg
import pytest
from hypothesis import HealthCheck, given, note
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from si_analytics import extract
from si_analytics.errors import ExtractError
from si_analytics.extract import source
from si_analytics.settings import Settings
from tests.support import extractions, slots
from tests.support.extractions import Extraction, extraction
from tests.support.writings import TABLES, Operation, Writing, add, fill, writings

LOGGED = {("log", "")}


def how(told: dict[str, extract.TableExtract]) -> set[tuple[str, str]]:
    return {(one.mode, one.reason) for one in told.values()}


def moved(one: extract.TableExtract) -> tuple[str, int | None, int | None, int | None]:
    return one.mode, one.inserted, one.updated, one.deleted


@pytest.fixture
def slotted(settings: Settings) -> Iterator[Extraction]:
    """Eight rows in each of the tables, read by a first extraction; the log tells of what comes."""
    with extraction(slots.with_a_slot(settings), *TABLES) as reading:
        fill(reading.postgres)
        reading.refresh()
        yield reading


@contextmanager
def _other(reading: Extraction) -> Iterator[psycopg.Connection]:
    with extractions.connect(reading.settings) as other:
        other.execute("set session_replication_role = replica")
        yield other


@hypothesis_settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(st.lists(st.tuples(st.lists(writings, max_size=4), st.booleans()), min_size=1, max_size=3))
def test_whatever_is_written_between_refreshes_is_told(
    slotted: Extraction, rounds: list[tuple[list[Writing], bool]]
) -> None:
    """Some refreshes die before the server may forget what they have read: the next ones find it again."""
    for writing, dies in rounds:
        before = {table: extractions.versions(slotted.postgres, table) for table in TABLES}
        for one in writing:
            one.run(slotted.postgres)
        told = slotted.refresh(dies=dies)
        note(str(told))
        assert how(told) == LOGGED
        slotted.assert_equal()
        for table in TABLES:
            old, new = before[table], extractions.versions(slotted.postgres, table)
            assert (told[table].inserted, told[table].deleted) == (
                len(new.keys() - old.keys()),
                len(old.keys() - new.keys()),
            )


@hypothesis_settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(st.data())
def test_transactions_open_side_by_side_are_told_once_each_is_over(slotted: Extraction, data: st.DataObject) -> None:
    """Three sessions write rows of their own, a refresh comes in between at any time, and each ends as it likes."""
    with _other(slotted) as first, _other(slotted) as second, _other(slotted) as third:
        sessions = [first, second, third]
        for step in range(data.draw(st.integers(3, 10))):
            number = data.draw(st.integers(0, 2))
            session = sessions[number]
            action = data.draw(st.sampled_from(["write", "write", "commit", "rollback", "refresh"]))
            if action == "write":
                if session.info.transaction_status == psycopg.pq.TransactionStatus.IDLE:
                    session.execute("begin")
                kind = data.draw(st.sampled_from(["insert", "delete", "update", "again"]))
                Operation(data.draw(st.sampled_from(list(TABLES))), kind, 3 * (step % 3) + number + 1, 0).run(session)
            elif action == "refresh":
                assert how(slotted.refresh()) == LOGGED
                slotted.assert_equal()
            else:
                session.execute(action)
        for session in sessions:
            session.execute(data.draw(st.sampled_from(["commit", "rollback"])))
    assert how(slotted.refresh()) == LOGGED
    slotted.assert_equal()


def test_without_changes_nothing_is_read(slotted: Extraction) -> None:
    assert {moved(one) for one in slotted.refresh().values()} == {("log", 0, 0, 0)}


def test_an_insert_an_update_and_a_delete_are_each_told(slotted: Extraction) -> None:
    """Of eight users 8 goes, 1 gets another name, 9 comes."""
    Operation("users", "delete", 8, 0).run(slotted.postgres)
    Operation("users", "update", 1, 0).run(slotted.postgres)
    add(slotted.postgres, "users", 9)
    told = slotted.refresh()
    assert moved(told["users"]) == ("log", 1, 1, 1)
    assert moved(told["transactions"]) == ("log", 0, 0, 0)
    slotted.assert_equal()


def test_a_row_that_came_and_went_between_two_refreshes_is_neither(slotted: Extraction) -> None:
    add(slotted.postgres, "users", 9)
    Operation("users", "delete", 9, 0).run(slotted.postgres)
    assert moved(slotted.refresh()["users"]) == ("log", 0, 0, 0)
    slotted.assert_equal()


def test_a_row_that_got_another_key_is_one_gone_and_one_come(slotted: Extraction) -> None:
    Operation("agent_profiles", "rekey", 4, 40).run(slotted.postgres)
    assert moved(slotted.refresh()["agent_profiles"]) == ("log", 1, 0, 1)
    slotted.assert_equal()


def test_two_rows_that_swapped_their_keys_are_two_updates(slotted: Extraction) -> None:
    for old, new in ((1, 99), (2, 1), (99, 2)):
        Operation("users", "rekey", old, new).run(slotted.postgres)
    assert moved(slotted.refresh()["users"]) == ("log", 0, 2, 0)
    slotted.assert_equal()


def test_what_was_rolled_back_is_not_told(slotted: Extraction) -> None:
    with _other(slotted) as other:
        other.execute("begin")
        Operation("users", "delete", 1, 0).run(other)
        other.execute("rollback")
    assert moved(slotted.refresh()["users"]) == ("log", 0, 0, 0)


def test_of_savepoints_within_savepoints_only_those_are_told_that_were_kept(slotted: Extraction) -> None:
    """Each savepoint has a transaction number of its own, the log tells the outermost alone."""
    with slotted.postgres.transaction():
        for number in range(100, 180):
            with slotted.postgres.transaction(force_rollback=number % 4 == 0):
                add(slotted.postgres, "users", number)
                with slotted.postgres.transaction(force_rollback=number % 4 == 1):
                    add(slotted.postgres, "transactions", number)
    told = slotted.refresh()
    assert (moved(told["users"]), moved(told["transactions"])) == (("log", 60, 0, 0), ("log", 40, 0, 0))
    slotted.assert_equal()


def test_a_transaction_open_over_several_refreshes_is_told_by_the_one_that_sees_it(slotted: Extraction) -> None:
    """It began first and commits last; others commit meanwhile, and are told without it."""
    with _other(slotted) as other, other.transaction():
        Operation("users", "update", 3, 0).run(other)
        for number in (20, 21, 22):
            add(slotted.postgres, "users", number)
            assert moved(slotted.refresh()["users"]) == ("log", 1, 0, 0)
            slotted.assert_equal()
    assert moved(slotted.refresh()["users"]) == ("log", 0, 1, 0)
    slotted.assert_equal()


def refresh_while(reading: Extraction, commits: Callable[[], object]) -> dict[str, extract.TableExtract]:
    """A refresh during which others commit after its snapshot was taken and before it asks how far the log goes."""
    real = source.snapshot

    def late(*given: object) -> source.Snapshot:
        taken = real(*given)  # type: ignore[arg-type]
        commits()
        return replace(taken, position=source.reached(reading.connection))

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("si_analytics.extract.source.snapshot", late)
        return reading.refresh()


def test_what_commits_between_the_snapshot_and_the_position_is_told_by_the_next_refresh(slotted: Extraction) -> None:
    """The log shows it, the snapshot does not: its row is there as it was, so it has to be read once more."""
    during = refresh_while(slotted, lambda: Operation("users", "update", 3, 0).run(slotted.postgres))
    assert moved(during["users"]) == ("log", 0, 0, 0)
    assert moved(slotted.refresh()["users"]) == ("log", 0, 1, 0)
    slotted.assert_equal()


def test_an_older_transaction_that_commits_in_between_is_told_by_the_next_refresh_too(slotted: Extraction) -> None:
    """It has a lower number than one that the snapshot sees."""
    with _other(slotted) as other:
        other.execute("begin")
        Operation("users", "update", 3, 0).run(other)
        add(slotted.postgres, "users", 20)
        during = refresh_while(slotted, lambda: other.execute("commit"))
    assert moved(during["users"]) == ("log", 1, 0, 0)
    assert moved(slotted.refresh()["users"]) == ("log", 0, 1, 0)
    slotted.assert_equal()


def test_what_commits_after_the_snapshot_of_the_first_reading_is_found(settings: Settings) -> None:
    """Who wrote while the slot was new may have begun before it: one scan, and from then on the log."""
    with extraction(slots.with_a_slot(settings), *TABLES) as reading:
        fill(reading.postgres)
        refresh_while(reading, lambda: Operation("users", "delete", 3, 0).run(reading.postgres))
        again = reading.refresh()
        assert how(again) == {("incremental", "transactions were open when the slot or its publication changed")}
        assert again["users"].deleted == 1
        reading.assert_equal()
        Operation("users", "delete", 4, 0).run(reading.postgres)
        assert moved(reading.refresh()["users"]) == ("log", 0, 0, 1)
        reading.assert_equal()


def test_a_commit_that_does_not_wait_for_the_disk_is_told(slotted: Extraction) -> None:
    """Others see it before it is written; Postgres decodes what is written."""
    slotted.postgres.execute("set synchronous_commit = off")
    for number in range(30, 45):
        add(slotted.postgres, "users", number)
        assert moved(slotted.refresh()["users"]) == ("log", 1, 0, 0)
    slotted.assert_equal()


def test_a_big_transaction_is_told_whole(slotted: Extraction) -> None:
    slotted.postgres.execute(
        "insert into users (id, email, password_hash, name, role)"
        " select gen_random_uuid(), n || '@y', '-', n::text, 'agent' from generate_series(1, 20000) as n"
    )
    assert moved(slotted.refresh()["users"]) == ("log", 20_000, 0, 0)
    slotted.assert_equal()


def test_a_table_of_which_more_changed_than_is_read_by_key_is_scanned(
    slotted: Extraction, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("si_analytics.extract.slots._MOST_KEYS", 2)
    monkeypatch.setattr("si_analytics.extract.reading._MOST_CHANGED", 1.0)
    for number in (1, 2, 3):
        Operation("users", "update", number, 0).run(slotted.postgres)
    Operation("transactions", "update", 1, 0).run(slotted.postgres)
    told = slotted.refresh()
    assert (told["users"].mode, told["users"].reason) == ("incremental", "more than 2 of its rows changed")
    assert moved(told["transactions"]) == ("log", 0, 1, 0)
    slotted.assert_equal()


def test_a_truncated_table_is_read_whole_and_the_others_as_the_log_tells(slotted: Extraction) -> None:
    slotted.postgres.execute("truncate transactions cascade")
    add(slotted.postgres, "transactions", 5)
    told = slotted.refresh()
    assert (told["transactions"].mode, told["users"].mode) == ("full", "log")
    slotted.assert_equal()
    add(slotted.postgres, "transactions", 6)
    assert moved(slotted.refresh()["transactions"]) == ("log", 1, 0, 0)
    slotted.assert_equal()


def test_a_table_whose_values_were_rewritten_is_read_whole(slotted: Extraction) -> None:
    """The log tells of rows that are written, not of a table that is."""
    slotted.postgres.execute("drop view analytics.source_transactions")
    slotted.postgres.execute("alter table transactions alter column currency type varchar(60) using 'eur'")
    assert slotted.refresh()["transactions"].mode == "full"
    slotted.assert_equal()


def test_a_refresh_that_dies_before_it_replaces_the_warehouse_loses_nothing(slotted: Extraction) -> None:
    Operation("users", "update", 1, 0).run(slotted.postgres)
    before = slots.confirmed(slotted.postgres, slotted.settings)
    with pytest.raises(KeyboardInterrupt):
        slotted.refresh(_interrupt)
    slotted.connection.execute("select 1")  # the transaction is over
    assert slots.confirmed(slotted.postgres, slotted.settings) == before
    assert moved(slotted.refresh()["users"]) == ("log", 0, 1, 0)
    slotted.assert_equal()
    assert slots.confirmed(slotted.postgres, slotted.settings) > before


def _interrupt(_: extract.TableExtract) -> None:
    raise KeyboardInterrupt


def test_a_refresh_that_dies_before_the_slot_moves_on_reads_nothing_twice(slotted: Extraction) -> None:
    Operation("users", "update", 1, 0).run(slotted.postgres)
    before = slots.confirmed(slotted.postgres, slotted.settings)
    slotted.refresh(dies=True)
    assert slots.confirmed(slotted.postgres, slotted.settings) == before
    assert moved(slotted.refresh()["users"]) == ("log", 0, 0, 0)
    slotted.assert_equal()


def test_an_amount_that_is_no_number_is_refused_by_its_key(slotted: Extraction) -> None:
    """DuckDB reads it as zero."""
    slotted.postgres.execute("update transactions set amount = 'NaN' where id = '00000000-0000-0000-0000-000000000003'")
    with pytest.raises(ExtractError, match="not a number in 00000000-0000-0000-0000-000000000003"):
        slotted.refresh()
