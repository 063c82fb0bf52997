"""Postgres breaks off while it is read: the refresh begins to read anew, and after some attempts says why not."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from si_analytics import extract, refresh, sample, schema, warehouse
from si_analytics.errors import InterruptedReadError, ServerError
from si_analytics.postgres import embedded
from si_analytics.refresh import Refresh, run_log
from si_analytics.settings import Settings
from tests.support import worlds
from tests.support.interruptions import Breaker, Waits, files
from tests.support.published_tables import assert_published, connection_to

ATTEMPTS = 4


@pytest.fixture
def settings(make_sampled: Callable[[float, int], Settings]) -> Settings:
    return make_sampled(0.02, 11)


def terminate(settings: Settings, postgres: psycopg.Connection) -> Callable[[], None]:
    """End the server processes that an extraction from this database is served by, and see them gone."""

    def breaking() -> None:
        ended = postgres.execute(
            "select pg_terminate_backend(pid, 5000) from pg_stat_activity"
            " where application_name = 'si_analytics extraction' and datname = current_database()"
        ).fetchall()
        assert ended
        assert all(done for (done,) in ended)

    return breaking


def raw_rows(settings: Settings) -> dict[str, int]:
    with warehouse.open_file(settings.warehouse, settings, read_only=True) as connection:
        return {table: len(connection.table(f"raw.{table}")) for table in extract.tables()}


def rows_in(postgres: psycopg.Connection) -> dict[str, int]:
    found = {table: postgres.execute(f"select count(*) from public.{table}").fetchone() for table in extract.tables()}
    return {table: row[0] for table, row in found.items() if row}


def run(settings: Settings, listen: Breaker, waits: Waits) -> run_log.RefreshReport:
    with Refresh(settings, sample.END, listen=listen, sleep=waits) as running:
        running.extract()
        running.publish()
        return running.finish()


@pytest.mark.parametrize("after", ["invite_templates", "users"])
def test_a_connection_that_is_ended_while_it_is_read_is_made_anew(
    settings: Settings, postgres: psycopg.Connection, after: str
) -> None:
    """In the middle, and after the last table, when only the end is missing."""
    listen, waits = Breaker(terminate(settings, postgres), 2, after), Waits()
    report = run(settings, listen, waits)
    assert [phase for phase, _ in listen.phases].count("interrupted") == 2
    assert waits.asked == [1.0, 2.0]
    assert {one.table: one.rows for one in report.extracts} == rows_in(postgres) == raw_rows(settings)
    assert_published(postgres, worlds.read(postgres), sample.END)


def test_what_changed_is_read_right_after_an_interruption(settings: Settings, postgres: psycopg.Connection) -> None:
    """The first reading took some changes into the working file already; the second one must not miss or double any."""
    refresh.run(settings, as_of=sample.END)
    postgres.execute("update contacts set segment = null where id in (select id from contacts order by id limit 3)")
    postgres.execute("delete from transactions where id in (select id from transactions order by id limit 4)")

    def breaking() -> None:
        terminate(settings, postgres)()
        postgres.execute("delete from contacts where id in (select id from contacts order by id limit 2)")
        postgres.execute("insert into contacts (agent_id, name, source) select agent_id, 'x', source from contacts")

    report = run(settings, Breaker(breaking, 1), Waits())
    assert {one.table: one.rows for one in report.extracts} == rows_in(postgres) == raw_rows(settings)
    assert {one.table: one.mode for one in report.extracts}["transactions"] == extract.INCREMENTAL
    assert_published(postgres, worlds.read(postgres), sample.END)


def test_a_connection_that_is_ended_every_time_is_one_error_and_leaves_nothing(
    settings: Settings, postgres: psycopg.Connection
) -> None:
    refresh.run(settings, as_of=sample.END)
    before, recorded = files(settings), postgres.execute("select * from analytics.refreshes").fetchall()
    postgres.execute("delete from transactions where type = 'agent_commission'")
    listen, waits = Breaker(terminate(settings, postgres), 100), Waits()
    with pytest.raises(InterruptedReadError) as caught:
        run(settings, listen, waits)
    assert str(caught.value) == (
        "reading from Postgres: the connection was lost. Nothing was published; try again."
        " Whether this role has a time limit: si doctor"
    )
    assert listen.broken == ATTEMPTS
    assert waits.asked == [1.0, 2.0, 4.0]
    assert files(settings) == before
    assert postgres.execute("select * from analytics.refreshes").fetchall() == recorded
    assert refresh.run(settings, as_of=sample.END, accept_change=True).rows_written > 0
    assert_published(postgres, worlds.read(postgres), sample.END)


@pytest.fixture
def own_server() -> Iterator[tuple[Path, Settings]]:
    """A server of the test's own, to be stopped and started."""
    with tempfile.TemporaryDirectory(prefix="si-tests-") as folder:
        home = Path(folder) / "postgres"
        server = embedded.start(home)
        settings = Settings(
            _env_file=None, postgres_url=server.url, home=Path(folder), warehouse=Path(folder) / "w" / "w.duckdb"
        )  # type: ignore[arg-type, call-arg]
        schema.apply(settings)
        sample.generate(settings, scale=0.02, seed=12)
        yield home, settings
        embedded.stop(home)


def test_a_server_that_stops_while_it_is_read_is_one_error_and_once_it_is_back_all_is_well(
    own_server: tuple[Path, Settings],
) -> None:
    home, settings = own_server
    waits = Waits()
    with pytest.raises(ServerError, match="Is the server running") as caught:
        run(settings, Breaker(lambda: embedded.stop(home), 1), waits)
    assert "\n" not in str(caught.value)
    assert waits.asked == [1.0, 2.0, 4.0]
    assert [path.name for path in settings.warehouse.parent.iterdir()] == ["w.duckdb.lock"]
    embedded.start(home)
    refresh.run(settings, as_of=sample.END)
    with connection_to(settings) as postgres:
        assert_published(postgres, worlds.read(postgres), sample.END)


def test_a_server_that_is_away_for_a_while_is_waited_for_and_read_from_the_beginning(
    own_server: tuple[Path, Settings],
) -> None:
    """It is gone when it is first asked again, and back the second time."""
    home, settings = own_server

    def back_at_last(seconds: float) -> None:
        waits(seconds)
        if len(waits.asked) == 2:
            embedded.start(home)

    waits = Waits()
    listen = Breaker(lambda: embedded.stop(home), 1)
    with Refresh(settings, sample.END, listen=listen, sleep=back_at_last) as running:
        extracts = running.extract()
        running.publish()
        running.finish()
    assert waits.asked == [1.0, 2.0]
    with connection_to(settings) as postgres:
        assert {one.table: one.rows for one in extracts} == rows_in(postgres)
        assert_published(postgres, worlds.read(postgres), sample.END)
