"""A table that another session holds: who it is is said, how long it is waited for is set, and no snapshot stays."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest

from pipelines import resources
from si_analytics import extract, refresh, sample, schema
from si_analytics.errors import LoadError, LockedError, PublishError, SchemaError
from si_analytics.health import doctor
from si_analytics.health.findings import Verdict
from si_analytics.postgres import locks
from si_analytics.publish import turns
from si_analytics.refresh import Refresh, work_file
from si_analytics.schema import roles
from si_analytics.settings import Settings
from tests.support import extractions, worlds
from tests.support.commands import Si
from tests.support.pipeline_runs import failures, in_environment, launch
from tests.support.worlds import Build

SECRET = "what it runs"


@pytest.fixture
def filled(settings: Settings, postgres: psycopg.Connection, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """One agent; every lock is waited for a second in all, and half a second at once."""
    monkeypatch.setattr(locks, "_AT_ONCE", 0.5)
    build = Build()
    build.transaction(build.agent(), amount="10.00")
    worlds.insert(postgres, build.world)
    return settings.model_copy(update={"lock_timeout": 1})


@pytest.fixture
def holder(filled: Settings) -> Iterator[psycopg.Connection]:
    """A session that a migration might be."""
    with psycopg.connect(extractions.address(filled), application_name="migration") as connection:
        connection.execute(f"select '{SECRET}'")  # type: ignore[call-overload]
        yield connection
        connection.rollback()


def hold(holder: psycopg.Connection, table: str = "public.transactions") -> str:
    """Lock a table against everybody; the words for the session that does."""
    holder.execute(f"lock table {table} in access exclusive mode")  # type: ignore[call-overload]
    ((user,),) = holder.execute("select current_user").fetchall()
    return f"process {holder.info.backend_pid} of {user} (migration) since 20"


def snapshots(postgres: psycopg.Connection) -> int:
    """How many transactions of an extraction are open."""
    ((number,),) = postgres.execute(
        "select count(*) from pg_stat_activity where datname = current_database() and xact_start is not null"
        " and application_name like 'si_analytics%'"
    ).fetchall()
    return int(number)


def assert_told(error: Exception, who: str) -> None:
    assert who in str(error)
    assert SECRET not in str(error)
    assert "SI_LOCK_TIMEOUT" in str(error)


@pytest.mark.parametrize("before", [False, True], ids=["whole", "changes"])
@pytest.mark.parametrize("table", ["public.transactions", "public.users", "analytics.refreshes"])
def test_a_refresh_that_waits_for_a_lock_says_who_holds_it_gives_up_and_lets_go(
    filled: Settings, postgres: psycopg.Connection, holder: psycopg.Connection, before: bool, table: str
) -> None:
    if before:
        refresh.run(filled)
    elif table.startswith("analytics"):
        return  # a first refresh does not ask for earlier ones
    who = hold(holder, table)
    heard: list[tuple[str, str]] = []
    with pytest.raises(
        LockedError, match=r"^reading from Postgres: after 1 s of waiting another session holds"
    ) as found:
        refresh.run(filled, listen=lambda phase, name, rows, seconds: heard.append((phase, name)))
    assert_told(found.value, who)
    waited = [name for phase, name in heard if phase == "waiting"]
    assert waited
    assert all(who in name for name in waited)
    assert snapshots(postgres) == 0
    holder.rollback()
    assert refresh.run(filled).extracts


def test_a_refresh_goes_on_once_the_lock_is_let_go_and_reads_what_was_written_under_it(
    filled: Settings, postgres: psycopg.Connection, holder: psycopg.Connection
) -> None:
    """While it pauses it holds no snapshot; the new one sees what the migration did."""
    refresh.run(filled)
    hold(holder)
    pauses: list[float] = []

    def sleep(seconds: float) -> None:
        pauses.append(seconds)
        assert snapshots(postgres) == 0
        holder.execute("update public.transactions set amount = 20")
        holder.commit()

    with Refresh(filled, sleep=sleep) as open_refresh:
        read = {one.table: one for one in open_refresh.extract()}
    assert pauses == [0.2]
    assert str(read["transactions"].money) == "20.00"


def test_a_migration_that_waits_for_our_reading_is_let_by(
    filled: Settings, postgres: psycopg.Connection, holder: psycopg.Connection
) -> None:
    """It waits for the table we read, and whoever comes later waits for it: our other connections too."""
    with ThreadPoolExecutor(1) as apart, extractions.extraction(filled, "transactions") as reading:
        with pytest.raises(LockedError), extract.snapshot(reading.connection, filled) as held:
            next(iter(held.sources.values()))
            reading.connection.execute("select count(*) from pg.public.transactions").fetchall()
            waiting = apart.submit(hold, holder)
            until_it_waits(postgres)
            with psycopg.connect(extractions.address(filled)) as later:
                later.execute("set lock_timeout = '200ms'")
                with pytest.raises(psycopg.errors.LockNotAvailable):
                    later.execute("select from public.transactions")
            raise locks.unreadable(filled, ["transactions"])
        assert "migration" in waiting.result(timeout=30)


def until_it_waits(postgres: psycopg.Connection) -> None:
    while not postgres.execute(
        "select 1 from pg_locks where not granted and relation = 'public.transactions'::regclass"
    ).fetchone():
        pass


def test_a_dry_run_and_the_command_say_the_same(
    filled: Settings, holder: psycopg.Connection, si: Si, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SI_LOCK_TIMEOUT", "1")
    who = hold(holder)
    for options in ((), ("--dry-run",), ("--full",)):
        outcome = si(filled)("refresh", *options)
        assert outcome.code == 1
        assert who in outcome.err.splitlines()[-1]
        assert "nobody foresaw" not in outcome.err
        assert SECRET not in outcome.err


def test_dagster_logs_whom_an_extraction_waits_for_and_goes_on_once_it_may(
    filled: Settings,
    holder: psycopg.Connection,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """The lock goes when the library has given up for the first time: the step is begun anew."""
    in_environment(monkeypatch, filled)
    monkeypatch.setenv("SI_LOCK_TIMEOUT", "1")
    monkeypatch.setattr(resources, "_FIRST_WAIT_SECONDS", 0.01)
    who = hold(holder)
    given_up = locks.given_up

    def and_let_go(error: LockedError, settings: Settings) -> LockedError:
        holder.rollback()
        return given_up(error, settings)

    monkeypatch.setattr(work_file.locks, "given_up", and_let_go)
    assert failures(launch("refresh_metrics")) == {}
    assert f"extract - Waiting: another session holds a table that is read: {who}" in capfd.readouterr().err


def test_a_login_that_may_not_see_others_activity_is_told_which_process_it_is(
    filled: Settings, postgres: psycopg.Connection, holder: psycopg.Connection
) -> None:
    roles.apply(filled)
    name = f"lesser_{postgres.info.backend_pid}"
    postgres.execute(f"create role {name} login")  # type: ignore[call-overload]
    postgres.execute(f"grant si_reader to {name}")  # type: ignore[call-overload]
    url = extractions.address(filled).replace("postgres@", f"{name}@", 1)
    hold(holder)
    try:
        with pytest.raises(LockedError, match=f"process {holder.info.backend_pid} of .* \\(migration\\)"):
            refresh.run(type(filled).model_validate({**filled.model_dump(), "postgres_url": url}))
    finally:
        postgres.execute(f"drop owned by {name}")  # type: ignore[call-overload]
        postgres.execute(f"drop role {name}")  # type: ignore[call-overload]


def test_doctor_names_who_holds_a_table_and_does_not_wait_for_it(filled: Settings, holder: psycopg.Connection) -> None:
    def found() -> dict[str, Any]:
        return {one.what: one for one in doctor.findings(filled, datetime.now(UTC)) if one.what == "locks"}

    assert found()["locks"].verdict == Verdict.well
    who = hold(holder)
    told = found()["locks"]
    assert told.verdict == Verdict.notable
    assert who in told.found


@pytest.mark.parametrize("verb", [schema.apply, schema.diff, roles.apply, sample.generate])
def test_building_comparing_granting_and_filling_say_whom_they_waited_for(
    filled: Settings, postgres: psycopg.Connection, holder: psycopg.Connection, verb: Callable[[Settings], object]
) -> None:
    """The views made of deals cannot be looked at, nor what it holds, nor a right on it be given."""
    postgres.execute("truncate users cascade")
    who = hold(holder, "public.deals")
    with pytest.raises((SchemaError, LoadError), match="another session has kept it waiting for 1 s") as found:
        verb(filled)
    assert_told(found.value, who)


def test_a_publication_gives_up_after_as_long_as_is_set_and_says_who_writes(
    filled: Settings, postgres: psycopg.Connection, holder: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "ROW_WAIT", 0.1)
    refresh.run(filled)
    postgres.execute("delete from agent_performance_metrics")
    who = hold(holder, "public.agent_performance_metrics")
    with pytest.raises(PublishError, match="after 1 s of waiting") as found:
        refresh.run(filled)
    assert_told(found.value, who)
