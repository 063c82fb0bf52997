"""The network between a refresh and Postgres: cut, or gone without a word, wherever it is."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Iterator

import psycopg
import pytest
from pydantic import SecretStr

from si_analytics import refresh, sample
from si_analytics.errors import AnalyticsError, PublishError, ServerError
from si_analytics.postgres import connect
from si_analytics.refresh import Refresh
from si_analytics.settings import Settings
from tests.support import cables, worlds
from tests.support.cables import Break, Cable
from tests.support.interruptions import Waits, files, run, state
from tests.support.published_tables import assert_published, connection_to

SOON = "?keepalives_idle=1&keepalives_interval=1&keepalives_count=1&tcp_user_timeout=1500&connect_timeout=2"
"""What is a minute for people is a second or two here."""
READING, WRITING = b"PGCOPY\n\xff\r\n", b"staging_agent_leaderboard"


@pytest.fixture
def settings(make_sampled: Callable[[float, int], Settings]) -> Settings:
    return make_sampled(0.01, 19)


@pytest.fixture
def filled(settings: Settings) -> Settings:
    refresh.run(settings, as_of=sample.END)
    with connection_to(settings) as postgres:
        postgres.execute("update transactions set amount = amount + 1 where status = 'completed'")
        postgres.execute("update contacts set segment = 'hot'")
    return settings


@pytest.fixture
def cable(filled: Settings) -> Iterator[Cable]:
    assert filled.postgres_url is not None
    with cables.laid(filled.postgres_url.get_secret_value()) as laid:
        yield laid


def through(cable: Cable, settings: Settings, more: str = "") -> Settings:
    return settings.model_copy(update={"postgres_url": SecretStr(cable.url + more)})


def assert_next_is_right(settings: Settings, postgres: psycopg.Connection) -> None:
    assert refresh.run(settings, as_of=sample.END).rows_written >= 0
    assert_published(postgres, worlds.read(postgres), sample.END)


def test_a_connection_cut_in_the_middle_of_a_table_that_is_read_is_made_anew(
    filled: Settings, cable: Cable, postgres: psycopg.Connection
) -> None:
    """Two tables break off after the first bytes of their rows; the third attempt reads all."""
    cable.to_client, cable.times = READING, 2
    waits = Waits()
    run(through(cable, filled), waits)
    assert cable.broken == 2
    assert waits.asked == [1.0, 2.0]
    assert_published(postgres, worlds.read(postgres), sample.END)


def test_a_network_that_swallows_everything_while_a_table_is_read_is_noticed_and_read_anew_once_it_is_back(
    filled: Settings, cable: Cable, postgres: psycopg.Connection
) -> None:
    cable.to_client, cable.times, cable.breaking = READING, 1, Break.SILENT
    waits, started = Waits(), time.monotonic()

    def back(seconds: float) -> None:
        waits(seconds)
        cable.heal()

    with Refresh(through(cable, filled, SOON), sample.END, full=True, sleep=back) as running:
        running.extract()
        running.publish()
        running.finish()
    assert (cable.broken, waits.asked) == (1, [1.0])
    assert time.monotonic() - started < 40
    assert_published(postgres, worlds.read(postgres), sample.END)


@pytest.mark.parametrize("breaking", list(Break))
def test_a_network_that_breaks_while_results_are_sent_is_one_error_and_nothing_is_written(
    filled: Settings, cable: Cable, postgres: psycopg.Connection, breaking: Break
) -> None:
    before, held = state(postgres), files(filled)
    cable.to_server, cable.times, cable.breaking = WRITING, 100, breaking
    started = time.monotonic()
    with pytest.raises(AnalyticsError) as caught:
        run(through(cable, filled, SOON), Waits())
    assert isinstance(caught.value, PublishError | ServerError)
    assert "\n" not in str(caught.value)
    assert "127.0.0.1" not in caught.value.found or "password" not in caught.value.found
    assert cable.broken >= 1
    assert time.monotonic() - started < 60
    assert state(postgres) == before
    assert files(filled) == held
    cable.hang_up()
    assert_next_is_right(filled, postgres)


def test_a_commit_whose_answer_is_lost_on_its_way_is_asked_after_and_told_as_what_it_was(
    filled: Settings, cable: Cable, postgres: psycopg.Connection
) -> None:
    """Postgres committed, and the connection was cut before it could say so: the refresh asks, and comes to its end."""
    before, held = state(postgres), files(filled)
    cable.after, cable.to_server, cable.times, cable.whole = b"pg_notify", b"COMMIT", 1, True
    run(through(cable, filled), Waits())
    assert cable.broken == 1
    assert state(postgres) != before
    assert files(filled) != held
    assert_published(postgres, worlds.read(postgres), sample.END)


def test_a_commit_whose_answer_is_lost_in_a_network_that_stays_silent_is_not_told_as_nothing_written(
    filled: Settings, cable: Cable, postgres: psycopg.Connection
) -> None:
    """Nobody can be asked: the error says that it is not known, the old file stands, and the next refresh is right."""
    before, held = state(postgres), files(filled)
    cable.after, cable.to_server, cable.times, cable.whole = b"pg_notify", b"COMMIT", 1, True
    cable.breaking = Break.SILENT
    with pytest.raises(PublishError) as caught:
        run(through(cable, filled, SOON), Waits())
    assert str(caught.value) == (
        "publishing to Postgres: the connection was lost while the results were committed, and Postgres cannot be asked"
        " whether they were. All of them were or none; run it again: si refresh"
    )
    assert state(postgres) != before
    assert files(filled) == held
    assert_next_is_right(filled, postgres)


def test_a_server_whose_client_was_killed_while_it_waits_for_a_row_lets_go_of_the_rows_it_wrote(
    filled: Settings, postgres: psycopg.Connection
) -> None:
    """Somebody holds a user's row; we wrote a profile, wait for the user, and are killed.

    The server notices though it has nothing to tell us. Without our setting it would when it is given the row:
    an address that has its own shows that.
    """
    assert filled.postgres_url is not None
    unnoticed = SecretStr(f"{filled.postgres_url.get_secret_value()}&options=-c%20client_connection_check_interval%3D0")
    postgres.execute("set lock_timeout = '3s'")
    with connection_to(filled) as other:
        other.autocommit = False
        other.execute("update users set name = name")
        die_waiting(filled.model_copy(update={"postgres_url": unnoticed}), looking=postgres)
        with pytest.raises(psycopg.errors.LockNotAvailable):
            postgres.execute("update agent_profiles set tier = tier")
        postgres.execute(
            "select pg_terminate_backend(pid, 5000) from pg_stat_activity"
            " where wait_event_type = 'Lock' and datname = current_database()"
        )
        die_waiting(filled, looking=postgres)
        postgres.execute("update agent_profiles set tier = tier")
        other.rollback()


def die_waiting(settings: Settings, looking: psycopg.Connection) -> None:
    """Write profiles, wait for users, and be gone as a killed process is: the socket closed, not a word said."""
    connection = connect(settings, read_only=False)
    connection.execute("update public.agent_profiles set tier = tier")
    connection.pgconn.send_query(b"update public.users set name = name")
    connection.pgconn.flush()
    waiting = "select from pg_stat_activity where wait_event_type = 'Lock' and pid = %s"
    deadline = time.monotonic() + 10
    while not looking.execute(waiting, [connection.info.backend_pid]).fetchall():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    with socket.socket(fileno=os.dup(connection.pgconn.socket)) as ours:
        ours.shutdown(socket.SHUT_RDWR)
    connection.close()
