"""A whole refresh by the slot: recorded, let go of only when the warehouse is replaced, and right after every death."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import ExitStack

import psycopg
import pytest

from si_analytics import extract, refresh, sample
from si_analytics.extract.log_position import LogPosition
from si_analytics.refresh import Refresh
from si_analytics.schema import slot
from si_analytics.settings import Settings
from tests.support import extractions, slots
from tests.support.commands import Si
from tests.support.forks import AFTER, BEFORE, forking
from tests.support.published_tables import connection_to

WRITES = (
    "update transactions set status = 'failed' where id in (select id from transactions order by random() limit 2)",
    "delete from user_reviews where id in (select id from user_reviews order by random() limit 1)",
    "update users set name = name || '.' where id in (select id from users order by random() limit 3)",
    "insert into transactions (type, to_user_id, amount, currency, status, created_at)"
    " select 'agent_commission', user_id, 1.25, 'usd', 'completed', '2026-05-01' from agent_profiles limit 2",
)


@pytest.fixture
def slotted(make_sampled: Callable[[float, int], Settings]) -> Settings:
    """A small marketplace, refreshed once; the log tells of what comes."""
    settings = slots.with_a_slot(make_sampled(0.02, 11))
    run(settings)
    return settings


def run(settings: Settings) -> dict[str, tuple[str, str]]:
    """A refresh: how each table was read, and why."""
    report = refresh.run(settings, as_of=sample.END)
    assert report.warnings == ()
    return {one.table: (one.mode, one.reason) for one in report.extracts}


def write(postgres: psycopg.Connection) -> None:
    for statement in WRITES:
        postgres.execute(statement)  # type: ignore[arg-type]


def recorded(settings: Settings) -> LogPosition:
    """How far the published warehouse says that it holds what the slot tells."""
    with extractions.duck(settings) as connection:
        ((text,),) = connection.sql("select log from meta.refreshes order by number desc limit 1").fetchall()
    found = LogPosition.read(text)
    assert found is not None
    return found


def assert_held(settings: Settings, postgres: psycopg.Connection) -> None:
    """The published warehouse holds each extracted table row for row."""
    with extractions.duck(settings) as connection:
        for table in extract.tables():
            names = ", ".join(f'"{name}"' for name in extractions.names_of(table))
            place = extractions.names_of(table).index(extractions.key_of(table))
            rows = connection.sql(f"select {names} from raw.{table}").fetchall()
            assert {row[place]: row for row in rows} == extractions.standing(postgres, table), table


def test_the_second_refresh_reads_what_the_log_tells_and_lets_go_of_it(slotted: Settings) -> None:
    """What the first one published is among it."""
    with connection_to(slotted) as postgres:
        write(postgres)
        assert set(run(slotted).values()) == {("log", "")}
        assert_held(slotted, postgres)
        assert slots.confirmed(postgres, slotted) == recorded(slotted).bytes
        run(slotted)
        assert_held(slotted, postgres)


def test_a_refresh_that_is_left_before_its_end_keeps_the_log_for_the_next_one(slotted: Settings) -> None:
    with connection_to(slotted) as postgres:
        before = slots.confirmed(postgres, slotted)
        write(postgres)
        with Refresh(slotted, sample.END) as left:
            left.extract()
            left.publish()
        assert slots.confirmed(postgres, slotted) == before
        refresh.preview(slotted, as_of=sample.END)
        assert slots.confirmed(postgres, slotted) == before
        assert set(run(slotted).values()) == {("log", "")}
        assert_held(slotted, postgres)


def test_a_refresh_that_was_taken_up_again_stands_where_it_stood(slotted: Settings) -> None:
    before = recorded(slotted)
    with Refresh.resume(slotted) as again:
        again.publish()
        again.finish()
    assert recorded(slotted) == before
    with connection_to(slotted) as postgres:
        write(postgres)
        assert set(run(slotted).values()) == {("log", "")}
        assert_held(slotted, postgres)


def test_a_slot_that_does_not_move_on_is_a_warning_and_the_next_refresh_moves_it(slotted: Settings) -> None:
    with connection_to(slotted) as postgres, ExitStack() as stack:
        write(postgres)

        def hold(phase: str, name: str, rows: int, seconds: float) -> None:
            if (phase, name) == ("compute", "agent_leaderboard"):
                stack.enter_context(slots.held(slotted))

        (warning,) = refresh.run(slotted, as_of=sample.END, listen=hold).warnings
        assert warning.startswith(f"moving the slot {slotted.slot} on: replication slot")
        assert "The next refresh does it" in warning
        assert slots.confirmed(postgres, slotted) < recorded(slotted).bytes
        stack.close()
        assert set(run(slotted).values()) == {("log", "")}
        assert slots.confirmed(postgres, slotted) == recorded(slotted).bytes
        assert_held(slotted, postgres)


def test_an_older_warehouse_that_was_put_back_is_scanned_and_then_told(slotted: Settings) -> None:
    kept = slotted.warehouse.with_suffix(".kept")
    shutil.copyfile(slotted.warehouse, kept)
    with connection_to(slotted) as postgres:
        write(postgres)
        run(slotted)
        kept.replace(slotted.warehouse)
        write(postgres)
        reason = "the slot has moved on beyond this warehouse"
        assert ("incremental", reason) in set(run(slotted).values())
        assert_held(slotted, postgres)
        write(postgres)
        assert set(run(slotted).values()) == {("log", "")}
        assert_held(slotted, postgres)


def test_the_command_says_why_tables_were_scanned(slotted: Settings, si: Si, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SI_CHANGES", "slot")
    monkeypatch.setenv("SI_SLOT", slotted.slot)
    slot.drop(slotted)
    assert "by a scan: there is no publication si_changes" in si(slotted)("refresh", "--as-of", "2026-06-01").out


def test_killed_at_any_step_the_next_refresh_has_every_change(
    slotted: Settings,
) -> None:
    """Each is killed as by `kill -9`, before and after the file is replaced too; somebody writes before each."""
    address, more = extractions.address(slotted), {"SI_CHANGES": "slot", "SI_SLOT": slotted.slot}
    moments = [
        ("extract", extract.tables()[0]),
        (AFTER, ""),
        ("compute", "agent_leaderboard"),
        (BEFORE, ""),
        (AFTER, ""),
        ("publish", "agent_performance_metrics"),
    ]
    with connection_to(slotted) as postgres, forking(address, slotted.home, slotted.warehouse, **more) as forks:
        for moment in moments:
            write(postgres)
            assert forks.refresh(at=moment).killed
        write(postgres)
        before = slots.confirmed(postgres, slotted)
        assert set(run(slotted).values()) == {("log", "")}
        assert slots.confirmed(postgres, slotted) > before
        assert_held(slotted, postgres)
