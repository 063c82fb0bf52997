"""The server stopped, killed, its processes ended, wherever a refresh is: one error or success, then all is right."""

from __future__ import annotations

import os
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest

from si_analytics import publish, refresh, sample, schema
from si_analytics.errors import AnalyticsError, PublishError, ServerError
from si_analytics.postgres import embedded
from si_analytics.settings import Settings
from tests.support import worlds
from tests.support.interruptions import Breaker, Waits, files, run, state
from tests.support.published_tables import assert_published, connection_to

READING, FIRST, LAST = ("extract", "contacts"), ("publish", publish.order()[0]), ("publish", publish.order()[-1])


@pytest.fixture(scope="module")
def own_server() -> Iterator[tuple[Path, Settings]]:
    """A server of the module's own, to be stopped and killed, with a marketplace that was refreshed."""
    with tempfile.TemporaryDirectory(prefix="si-tests-") as folder:
        home = Path(folder) / "postgres"
        server = embedded.start(home)
        place = Path(folder) / "w"
        settings = Settings(_env_file=None, postgres_url=server.url, home=place, warehouse=place / "w.duckdb")  # type: ignore[arg-type, call-arg]
        schema.apply(settings)
        sample.generate(settings, scale=0.01, seed=29)
        refresh.run(settings, as_of=sample.END)
        yield home, settings
        embedded.stop(home)


def restart(home: Path, how: signal.Signals) -> None:
    """Stop the server as `pg_ctl stop` does it, fast (SIGINT) or immediate (SIGQUIT), and start it again."""
    number = int((home / "data" / "postmaster.pid").read_text().split()[0])
    os.kill(number, how)
    deadline = time.monotonic() + 30
    with suppress(FileNotFoundError, ProcessLookupError):  # it is gone, before a file was opened or while it was read
        while time.monotonic() < deadline and "postgres" in Path(f"/proc/{number}/comm").read_text():
            if Path(f"/proc/{number}/stat").read_text().rsplit(") ", 1)[1][0] == "Z":
                break
            time.sleep(0.02)
    embedded.start(home)


@pytest.mark.parametrize("step", [READING, LAST])
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGQUIT])
def test_a_server_that_is_restarted_under_a_refresh_leaves_the_old_results_or_all_of_the_new(
    own_server: tuple[Path, Settings], step: tuple[str, str], how: signal.Signals
) -> None:
    """While it reads, it reads anew and succeeds; while it publishes, nothing is written and one sentence says so."""
    home, settings = own_server
    with connection_to(settings) as postgres:
        postgres.execute("update transactions set amount = amount + 1 where status = 'completed'")
        before = state(postgres)
    held = files(settings)
    breaker = Breaker(lambda: restart(home, how), 1, step[1], phase=step[0])
    try:
        run(settings, Waits(), breaker)
    except AnalyticsError as error:
        assert step == LAST
        assert isinstance(error, PublishError | ServerError)
        assert "\n" not in str(error)
        with connection_to(settings) as postgres:
            assert state(postgres) == before
        assert files(settings) == held
        refresh.run(settings, as_of=sample.END)
    assert breaker.broken == 1
    with connection_to(settings) as postgres:
        assert state(postgres) != before
        assert_published(postgres, worlds.read(postgres), sample.END)


@pytest.mark.parametrize("step", [FIRST, LAST])
def test_a_session_that_is_ended_while_it_publishes_has_written_nothing(
    settings: Settings, postgres: psycopg.Connection, step: tuple[str, str]
) -> None:
    sample.generate(settings, scale=0.01, seed=31)
    refresh.run(settings, as_of=sample.END)
    postgres.execute("update transactions set amount = amount + 1 where status = 'completed'")
    before, held = state(postgres), files(settings)

    def end() -> None:
        ended = postgres.execute(
            "select pg_terminate_backend(pid, 5000) from pg_stat_activity"
            " where application_name = 'si_analytics' and datname = current_database()"
        ).fetchall()
        assert ended == [(True,)]

    with pytest.raises(PublishError, match=r"terminating connection|closed") as caught:
        run(settings, Waits(), Breaker(end, 1, step[1], phase=step[0]))
    assert "\n" not in str(caught.value)
    assert state(postgres) == before
    assert files(settings) == held
    refresh.run(settings, as_of=sample.END)
    assert_published(postgres, worlds.read(postgres), sample.END)
