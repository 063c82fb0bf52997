"""Where the log cannot tell, changes are found by a scan, right, and the reason is shown; afterwards it tells again."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from psycopg import sql as pg_sql

from si_analytics import extract, schema
from si_analytics.errors import ServerError
from si_analytics.extract import by_key
from si_analytics.extract import slots as extract_slots
from si_analytics.extract.source import Snapshot
from si_analytics.postgres import embedded
from si_analytics.schema import slot
from si_analytics.settings import Settings
from tests.support import extractions, outside, slots
from tests.support.extractions import Extraction, extraction
from tests.support.writings import TABLES, Operation, add, fill

OPEN = "transactions were open when the slot or its publication changed"
NEW = "nothing was read from this slot before"
BEYOND = "the slot has moved on beyond this warehouse"


@pytest.fixture(autouse=True)
def however_many(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tables of a few rows: however many of them change, the changes alone are read."""
    monkeypatch.setattr("si_analytics.extract.reading._MOST_CHANGED", 1.0)


@pytest.fixture
def slotted(settings: Settings) -> Iterator[Extraction]:
    """Eight rows in each of the tables, read by a first extraction; the log tells of what comes."""
    with read_with_a_slot(slots.with_a_slot(settings)) as reading:
        yield reading


@contextmanager
def read_with_a_slot(settings: Settings, *tables: str) -> Iterator[Extraction]:
    with extraction(settings, *(tables or TABLES)) as reading:
        fill(reading.postgres)
        reading.refresh()
        yield reading


def change(reading: Extraction) -> None:
    """One user gets another name, one goes, one comes."""
    Operation("users", "update", 1, 0).run(reading.postgres)
    Operation("users", "delete", 2, 0).run(reading.postgres)
    add(reading.postgres, "users", 2)
    Operation("users", "delete", 3, 0).run(reading.postgres)


def assert_scanned(reading: Extraction, reason: str, tables: set[str] | None = None) -> None:
    """These tables are scanned for that reason, and what changed is found; the others are told."""
    change(reading)
    told = reading.refresh()
    expected = {table: ("incremental", reason) if table in (tables or TABLES) else ("log", "") for table in TABLES}
    assert {table: (one.mode, one.reason) for table, one in told.items()} == expected
    reading.assert_equal()


def assert_told_again(reading: Extraction) -> None:
    change(reading)
    assert {one.mode for one in reading.refresh().values()} == {"log"}
    reading.assert_equal()


def test_a_slot_that_is_gone(slotted: Extraction) -> None:
    slotted.postgres.execute("select pg_drop_replication_slot(%s)", [slotted.settings.slot])
    assert_scanned(slotted, "there is no slot of that name")
    change(slotted)
    slot.apply(slotted.settings)
    assert_scanned(slotted, NEW)
    assert_told_again(slotted)


def test_a_slot_that_was_dropped_and_made_anew_in_between(slotted: Extraction) -> None:
    change(slotted)
    slotted.postgres.execute("select pg_drop_replication_slot(%s)", [slotted.settings.slot])
    slot.apply(slotted.settings)
    assert_scanned(slotted, BEYOND)
    assert_told_again(slotted)


def test_a_slot_that_another_warehouse_moved_on(slotted: Extraction) -> None:
    with extraction(slotted.settings, *TABLES) as other:
        other.refresh()
        change(slotted)
        other.refresh()
        assert_scanned(slotted, BEYOND)


def test_a_warehouse_of_another_slot(slotted: Extraction) -> None:
    slotted.settings = slots.with_a_slot(slotted.settings)
    assert_scanned(slotted, NEW)
    assert_told_again(slotted)


def test_a_warehouse_that_was_scanned_so_far(settings: Settings) -> None:
    with read_with_a_slot(settings) as reading:
        change(reading)
        assert {(one.mode, one.reason) for one in reading.refresh().values()} == {("incremental", "")}
        reading.settings = slots.with_a_slot(settings)
        assert_scanned(reading, NEW)
        assert_told_again(reading)


def test_a_slot_that_another_session_reads(slotted: Extraction) -> None:
    """What was recorded still holds, so the next refresh goes on from there."""
    with slots.held(slotted.settings):
        assert_scanned(slotted, "another session reads the slot")
    assert_told_again(slotted)


def test_a_slot_of_another_kind_and_one_of_another_database(
    slotted: Extraction, passing_database: Callable[..., str], make_settings: Callable[..., Settings]
) -> None:
    name = slotted.settings.slot
    slotted.postgres.execute("select pg_drop_replication_slot(%s)", [name])
    slotted.postgres.execute("select pg_create_physical_replication_slot(%s)", [name])
    try:
        assert_scanned(slotted, "the slot of that name is for something else")
    finally:
        slotted.postgres.execute("select pg_drop_replication_slot(%s)", [name])
    elsewhere = make_settings(passing_database(), slot=name)
    with extractions.connect(elsewhere) as other:
        other.execute("select pg_create_logical_replication_slot(%s, 'pgoutput')", [name])
    assert_scanned(slotted, "the slot of that name is for something else")


def test_a_publication_that_is_gone_and_one_that_was_made_anew(slotted: Extraction) -> None:
    slotted.postgres.execute("drop publication si_changes")
    assert_scanned(slotted, "there is no publication si_changes")
    change(slotted)
    slot.apply(slotted.settings)
    assert_scanned(slotted, NEW)
    assert_told_again(slotted)


def test_a_publication_that_was_changed_and_changed_back(slotted: Extraction) -> None:
    """What happened in between is not in the log."""
    slotted.postgres.execute("alter publication si_changes set (publish = 'insert')")
    change(slotted)
    slotted.postgres.execute("alter publication si_changes set (publish = 'insert, update, delete, truncate')")
    assert_scanned(slotted, NEW)
    assert_told_again(slotted)


def test_a_table_that_was_taken_out_of_the_publication_and_put_back(slotted: Extraction) -> None:
    slotted.postgres.execute("alter publication si_changes drop table users")
    change(slotted)
    slotted.postgres.execute("alter publication si_changes add table users (id)")
    assert_scanned(slotted, NEW)
    assert_told_again(slotted)


def test_a_transaction_that_wrote_before_its_table_was_published(slotted: Extraction) -> None:
    """Postgres goes by what was published when the row was written, and tells nothing of it."""
    slotted.postgres.execute("alter publication si_changes drop table users")
    slotted.refresh()
    with extractions.connect(slotted.settings) as other:
        other.execute("set session_replication_role = replica")
        with other.transaction():
            Operation("users", "update", 7, 0).run(other)
            slotted.postgres.execute("alter publication si_changes add table users (id)")
            assert_scanned(slotted, NEW)
            assert_scanned(slotted, OPEN)
    assert_scanned(slotted, OPEN)
    assert_told_again(slotted)


@pytest.mark.parametrize(
    ("statements", "reason"),
    [
        (["drop table users"], "the publication si_changes does not tell of it"),
        (["drop table users", "add table users"], "the publication si_changes tells other columns than its key"),
        (
            ["drop table users", "add table users (id) where (id is not null)"],
            "the publication si_changes does not tell of it",
        ),
    ],
    ids=["none", "whole rows", "some rows"],
)
def test_a_table_of_which_the_publication_does_not_tell_the_keys_alone(
    slotted: Extraction, statements: list[str], reason: str
) -> None:
    for statement in statements:
        slotted.postgres.execute(f"alter publication si_changes {statement}")  # type: ignore[arg-type]
    slotted.refresh()
    assert_scanned(slotted, reason, {"users"})


def test_a_table_that_another_one_inherits_from(slotted: Extraction) -> None:
    """The log tells of the table alone, not of the other's rows."""
    slotted.postgres.execute("create table more_users (primary key (id)) inherits (users)")
    told = slotted.refresh()["users"]
    assert told.mode == "full"
    change(slotted)
    slotted.postgres.execute("update more_users set name = 'x'")
    told = slotted.refresh()["users"]
    assert (told.mode, told.reason) == ("incremental", "its rows lie in several parts")
    slotted.assert_equal()


def test_a_standby_is_scanned(slotted: Extraction) -> None:
    taken = Snapshot("3:3:", extractions.moment(slotted), standby=True)
    told = extract_slots.changes(slotted.connection, taken, (), None, slotted.settings)
    assert told is not None
    assert (told.reason, told.upto) == ("a standby is read, which keeps no slot of its own", None)


def test_a_role_without_the_attribute_replication_scans_and_one_with_it_reads_the_log(
    slotted: Extraction, login: Callable[[], Settings]
) -> None:
    owner, lesser = slotted.settings, login()
    user = psycopg.conninfo.conninfo_to_dict(extractions.address(lesser))["user"]
    slotted.settings = owner.model_copy(update={"postgres_url": lesser.postgres_url})
    slotted.postgres.execute("grant execute on function pg_control_system(), pg_control_checkpoint() to public")
    assert_scanned(slotted, "this role may not read the slot, it lacks the attribute replication")
    statement = pg_sql.SQL("alter role {} replication").format(pg_sql.Identifier(str(user)))
    slotted.postgres.execute(statement)
    assert_told_again(slotted)


def test_a_slot_that_lost_its_part_of_the_log(make_settings: Callable[..., Settings]) -> None:
    with slots.keeping_little(outside.installed_binaries() or embedded.binaries()) as server:
        settings = make_settings(server.url_of(server.create_database()))
        schema.apply(settings)
        with read_with_a_slot(slots.with_a_slot(settings)) as reading:
            assert_told_again(reading)
            slots.lose(reading.postgres, reading.settings)
            assert_scanned(reading, "the slot has lost its part of the log")
            slot.apply(reading.settings)
            assert_scanned(reading, NEW)
            assert_told_again(reading)


def test_a_server_that_writes_too_little_into_its_log(
    outside_server: Any, make_settings: Callable[..., Settings]
) -> None:
    settings = make_settings(outside_server.url_of(outside_server.create_database()))
    schema.apply(settings)
    with extraction(slots.reading_a_slot(settings), *TABLES) as reading:
        fill(reading.postgres)
        slot_free = reading.refresh()
        assert {one.mode for one in slot_free.values()} == {"full"}
        reading.postgres.execute("create publication si_changes for table users (id)")
        assert_scanned(reading, "wal_level is replica, not logical")


def test_a_server_that_went_away_is_told(slotted: Extraction, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_: object) -> object:
        raise psycopg.OperationalError("the connection is lost")

    monkeypatch.setattr("si_analytics.postgres.slots.look", gone)
    with pytest.raises(ServerError, match="reading the log of changes: the connection is lost"):
        slotted.refresh()


def test_all_rows_are_compared_once_in_a_day(slotted: Extraction, monkeypatch: pytest.MonkeyPatch) -> None:
    """A row that got lost in the warehouse: the log does not tell of it, the sums do."""
    slotted.connection.execute("delete from raw.users where id = '00000000-0000-0000-0000-000000000001'")
    assert slotted.refresh()["users"].mode == "log"
    monkeypatch.setattr("si_analytics.extract.reading.RECONCILED_EVERY", timedelta(0))
    told = slotted.refresh()
    assert (told["users"].mode, told["users"].reason) == ("full", "the changes alone did not add up")
    assert (told["transactions"].mode, told["transactions"].reconciled_at) == ("log", extractions.moment(slotted))
    slotted.assert_equal()


def test_rows_that_were_compared_are_not_compared_again_within_the_day(slotted: Extraction) -> None:
    first = extractions.moment(slotted)
    change(slotted)
    assert {one.reconciled_at for one in slotted.refresh().values()} == {first}


def test_a_key_that_two_rows_answer_to_changes_nothing_and_is_told(slotted: Extraction) -> None:
    key = uuid.UUID(int=1)
    slotted.postgres.execute("alter table transactions drop constraint transactions_pkey cascade")
    slotted.postgres.execute("insert into transactions select * from transactions where id = %s", [key])
    before = slotted.held("transactions")
    with extract.snapshot(slotted.connection, slotted.settings) as reading:
        told = by_key.update(slotted.connection, reading.sources["transactions"], [key, uuid.UUID(int=2)])
    assert told == by_key.UNANSWERED
    assert slotted.held("transactions") == before
