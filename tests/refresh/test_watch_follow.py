"""`si watch`: what is published is heard through breaks, and a change is published within seconds."""

from __future__ import annotations

import json
import signal
import subprocess
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import datetime

import psycopg
import pytest
from psycopg import sql

from si_analytics import publish, refresh, sample
from si_analytics.errors import ServerError
from si_analytics.publish.notifications import Back, Listener, Lost, Published, Unreadable
from si_analytics.refresh import watch
from si_analytics.refresh.run_log import RefreshReport
from si_analytics.settings import Settings
from tests.support.commands import AS_OF, Si

AGENT = "(select min(user_id::text)::uuid from public.agent_profiles)"


@pytest.fixture(scope="module")
def living(
    create_database: Callable[..., str], schema_template: str, tmp_path_factory: pytest.TempPathFactory
) -> Settings:
    """A small marketplace, refreshed once."""
    home = tmp_path_factory.mktemp("living")
    url = create_database(schema_template)
    made = Settings(_env_file=None, postgres_url=url, home=home, warehouse=home / "warehouse.duckdb")  # type: ignore[call-arg, arg-type]
    sample.generate(made, scale=0.02)
    refresh.run(made, as_of=datetime.fromisoformat(AS_OF))
    return made


@pytest.fixture
def application(living: Settings) -> Iterator[psycopg.Connection]:
    """The application's connection on that marketplace."""
    assert living.postgres_url is not None
    with psycopg.connect(living.postgres_url.get_secret_value(), autocommit=True) as connection:
        yield connection


def told(number: int) -> dict[str, object]:
    return {
        "refresh_id": str(uuid.UUID(int=number)),
        "as_of": "2026-06-01T00:00:00+00:00",
        "changed": {"users": number},
    }


def send(application: psycopg.Connection, number: int, *, recorded: bool = False) -> None:
    """What a publication leaves: its record, and its notification."""
    one = told(number)
    if recorded:
        application.execute(
            "insert into analytics.refreshes (refresh_id, as_of, snapshot, currency, started_at, finished_at, changed)"
            " values (%(refresh_id)s, %(as_of)s, '1:1:', 'usd', now(), clock_timestamp(), %(changed)s)",
            {**one, "changed": json.dumps(one["changed"])},
        )
    application.execute("select pg_notify(%s, %s)", [publish.CHANNEL, json.dumps(one)])


def cut(application: psycopg.Connection) -> None:
    """End every other session of this database, as a restart does."""
    application.execute(
        "select pg_terminate_backend(pid, 5000) from pg_stat_activity"
        " where datname = current_database() and pid <> pg_backend_pid()"
    )


def connections(living: Settings, application: psycopg.Connection, *, allowed: bool) -> None:
    """Let new sessions into this database, or none."""
    assert living.postgres_url is not None
    with psycopg.connect(living.postgres_url.get_secret_value(), dbname="template1", autocommit=True) as elsewhere:
        named = sql.Identifier(application.info.dbname)
        elsewhere.execute(sql.SQL("alter database {} allow_connections {}").format(named, sql.Literal(allowed)))


def test_a_publication_is_heard_as_it_comes(living: Settings, application: psycopg.Connection) -> None:
    with Listener(living) as listener:
        assert listener.wait(0.01) == []
        send(application, 7)
        (heard,) = listener.wait(5)
    assert heard == Published(uuid.UUID(int=7), datetime.fromisoformat("2026-06-01T00:00:00+00:00"), {"users": 7})


@pytest.mark.parametrize("payload", ["", "no json", "[]", '{"refresh_id": 1}', "\x1b[2J", "null"])
def test_what_no_refresh_sent_is_told_as_such(living: Settings, application: psycopg.Connection, payload: str) -> None:
    with Listener(living) as listener:
        application.execute("select pg_notify(%s, %s)", [publish.CHANNEL, payload])
        assert listener.wait(5) == [Unreadable(payload)]


def test_a_listener_comes_back_and_tells_once_what_was_published_meanwhile(
    living: Settings, application: psycopg.Connection
) -> None:
    """Told before the break: 1. Published while nobody could connect: 2. Sent after: 3."""
    pauses: list[float] = []
    with Listener(living, pauses.append) as listener:
        send(application, 1, recorded=True)
        assert [heard.changed for heard in listener.wait(5) if isinstance(heard, Published)] == [{"users": 1}]
        cut(application)
        (lost,) = listener.wait(5)
        assert isinstance(lost, Lost)
        assert lost.seconds == 0.5
        connections(living, application, allowed=False)
        try:
            (again,) = listener.wait(5)
            assert isinstance(again, Lost)
            assert again.seconds == 1.0
            assert listener.wait(0.6) == [], "not before its time"
            send(application, 2, recorded=True)
        finally:
            connections(living, application, allowed=True)
        back, *missed = listener.wait(5)
        assert back == Back()
        assert [heard.changed for heard in missed if isinstance(heard, Published)] == [{"users": 2}]
        send(application, 3)
        (heard,) = listener.wait(5)
    assert isinstance(heard, Published)
    assert pauses == [0.5, 0.6, pytest.approx(0.4)]


def test_a_server_that_is_down_at_the_start_is_an_error(living: Settings) -> None:
    assert living.postgres_url is not None
    gone = living.model_copy(update={"postgres_url": type(living.postgres_url)("postgresql://a@127.0.0.1:1/b")})
    with pytest.raises(ServerError, match="connecting to"), Listener(gone):
        pass
    with pytest.raises(ServerError, match="connecting to"):
        next(watch.listen(gone))


def test_a_change_is_read_and_published_and_a_failure_told_and_tried_again(
    living: Settings, application: psycopg.Connection
) -> None:
    """A new commission of 1,000,000.00 makes its agent the first; an amount that is none stops the next refresh."""
    events = watch.follow(living, debounce=0.1)
    application.execute(
        "insert into public.transactions (type, amount, status, to_user_id, currency, created_at)"
        f" values ('agent_commission', 1000000, 'completed', {AGENT}, 'usd', '2026-01-01')"
    )
    seen = next(events)
    assert isinstance(seen, watch.Look)
    assert seen.tables == ("transactions",)
    report = next(events)
    assert isinstance(report, RefreshReport)
    assert [one.mode for one in report.extracts if one.table == "transactions"] == ["incremental"]
    first = application.execute("select agent_id = " + AGENT + " from public.agent_leaderboard where rank = 1")  # type: ignore[call-overload]
    assert first.fetchone() == (True,)
    heard = next(events)
    assert isinstance(heard, Published)
    assert heard.refresh_id == report.refresh_id
    application.execute("update public.transactions set amount = 'NaN' where amount = 1000000")
    assert isinstance(next(events), watch.Look)
    failed = next(events)
    assert isinstance(failed, watch.Failed)
    assert failed.seconds == 2.0
    assert first.connection.execute(
        "select max(total_earnings) >= 1000000 from public.agent_leaderboard"
    ).fetchone() == (True,), "what was published stands"
    application.execute("update public.transactions set amount = 5 where amount = 'NaN'")
    assert isinstance(next(events), watch.Look)
    mended = next(events)
    assert isinstance(mended, RefreshReport)
    events.close()
    assert not watch.look(living).changed


def test_a_stream_of_changes_that_does_not_end_is_published_again_and_again(living: Settings) -> None:
    """A row changes every few milliseconds, much sooner than it is waited on: twice it is refreshed all the same."""
    assert living.postgres_url is not None
    url, ended = living.postgres_url.get_secret_value(), threading.Event()

    def write() -> None:
        with psycopg.connect(url, autocommit=True) as connection:
            while not ended.wait(0.02):
                connection.execute(
                    "update public.transactions set amount = amount + 1"
                    " where id = (select min(id::text)::uuid from public.transactions where status = 'completed')"
                )

    writer = threading.Thread(target=write)
    writer.start()
    events, seen = watch.follow(living, debounce=0.5), list[watch.Event]()
    try:
        while sum(isinstance(one, RefreshReport) for one in seen) < 2:
            seen.append(next(events))
            assert not isinstance(seen[-1], watch.Failed)
    finally:
        ended.set()
        writer.join()
        events.close()
    kinds = [type(one) for one in seen if not isinstance(one, Published)]
    assert kinds == [watch.Look, RefreshReport, watch.Look, RefreshReport]


def test_the_command_prints_a_line_for_each_and_ends_cleanly_on_ctrl_c(
    si: Si, living: Settings, application: psycopg.Connection
) -> None:
    process = si(living).started("watch", "--json", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stderr is not None
    assert process.stderr.readline() == b"Watching; Ctrl-C ends it\n"
    listening = (
        "select count(*) from pg_stat_activity where query like '%%from analytics.refreshes%%' and state = 'idle'"
        " and pid <> pg_backend_pid() and datname = current_database()"
    )
    while application.execute(listening, {}).fetchone() == (0,):
        time.sleep(0.05)
    send(application, 9)
    assert json.loads(process.stdout.readline()) == {"event": "published", **told(9)}
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)
    assert (process.returncode, out, err) == (0, b"", b"Ended\n")


@pytest.mark.parametrize("words", [["--debounce", "soon"], ["--debounce", "2h"], ["--debounce", "-1s"]])
def test_a_debounce_that_is_none_is_wrong_usage(si: Si, words: list[str]) -> None:
    done = si()("watch", "--refresh", *words)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("error: --debounce")
