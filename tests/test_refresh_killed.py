"""A refresh killed at any instant: what is published stands or is complete, and the next refresh is right."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import psycopg
import pytest

from si_analytics import extract, metrics, publish, refresh, sample, warehouse
from si_analytics.settings import Settings
from tests import worlds
from tests.commands import Command, Si
from tests.test_refresh import assert_published, connection_to

REFRESH = ("refresh", "--as-of", sample.END.isoformat())
MOMENTS = 5
LINES = (
    ("extract", extract.tables()[-1]),
    ("compute", "agent_leaderboard"),
    ("check", "metric_keys"),
    ("publish", publish.order()[0]),
    ("publish", publish.order()[-1]),
)
"""After which lines of its output a refresh is killed at once; the last is a moment before the file is replaced."""
WRITES = (
    "insert into transactions (type, to_user_id, amount, currency, status, created_at)"
    " select 'agent_commission', user_id, 1.25, 'usd', 'pending', '2026-05-01' from agent_profiles"
    " order by random() limit 3",
    "update transactions set status = 'completed'"
    " where id in (select id from transactions where status = 'pending' order by random() limit 2)",
    "delete from transactions where id in (select id from transactions order by random() limit 1)",
    "update deals set status = 'completed', completed_at = '2026-05-20'"
    " where id in (select id from deals where status = 'active' order by random() limit 1)",
    "delete from user_reviews where id in (select id from user_reviews order by random() limit 1)",
)
READER = """
import sys, duckdb
connection = duckdb.connect(sys.argv[1], read_only=True)
print(connection.sql("select count(*) from meta.refreshes").fetchone()[0], flush=True)
sys.stdin.readline()
for (name,) in connection.sql(
    "select schema_name || '.' || table_name from duckdb_tables() where schema_name in ('raw', 'metrics') order by all"
).fetchall():
    print(name, connection.sql(f"select count(*), bit_xor(hash(t)) from {name} as t").fetchone(), flush=True)
"""


@pytest.fixture
def filled(settings: Settings) -> Settings:
    sample.generate(settings, scale=0.02, seed=13)
    return settings


@contextmanager
def writing(settings: Settings) -> Iterator[list[int]]:
    """Somebody who inserts, updates and deletes all the while; the number of transactions so far, by statement."""
    done, ended = [0] * len(WRITES), threading.Event()

    def write() -> None:
        with connection_to(settings) as connection:
            while not ended.wait(0.02):
                chosen = random.randrange(len(WRITES))
                connection.execute(WRITES[chosen])
                done[chosen] += 1

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield done
    finally:
        ended.set()
        thread.join()


def line(process: subprocess.Popen[bytes], phase: str = "", name: str = "") -> bool:
    """Wait until the refresh wrote that line, or any; false where it ended without."""
    assert process.stderr is not None
    for written in process.stderr:
        words = written.decode().split()
        if not phase or words[:2] == [phase, name]:
            return True
    return False


def kill(process: subprocess.Popen[bytes]) -> bool:
    """End it as a power cut would; false where it had come to its end already."""
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert process.returncode in {0, -signal.SIGKILL}
    return process.returncode != 0


def assert_old_or_complete(settings: Settings, before: bytes, numbers: int) -> None:
    """The published file is the same to the byte, or one of a refresh that came to its end."""
    if settings.warehouse.read_bytes() == before:
        return
    with duckdb.connect(str(settings.warehouse), read_only=True) as connection:
        held = connection.sql("select table_name from duckdb_tables() where schema_name = 'metrics'").fetchall()
        assert {name for (name,) in held} == set(metrics.names())
        assert connection.sql("select max(number) from meta.refreshes").fetchone() == (numbers + 1,)
        counted = connection.sql(
            "select table_name, rows from meta.extracts where refresh_id ="
            " (select refresh_id from meta.refreshes order by number desc limit 1)"
        ).fetchall()
        assert {table for table, _ in counted} == set(extract.tables())
        assert all(len(connection.table(f"raw.{table}")) == rows for table, rows in counted)


def refreshes(settings: Settings) -> int:
    with duckdb.connect(str(settings.warehouse), read_only=True) as connection:
        row = connection.sql("select max(number) from meta.refreshes").fetchone()
    return row[0] if row else 0


def clean(command: Command, settings: Settings) -> float:
    """A refresh that is let be; the seconds from its first line to its end."""
    process = command.started(*REFRESH, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL)
    assert line(process)
    started = time.monotonic()
    _, said = process.communicate(timeout=60)
    assert process.returncode == 0, said.decode()
    assert not warehouse.working_path(settings).exists()
    return time.monotonic() - started


def killed(command: Command, settings: Settings, phase: str, name: str, seconds: float) -> bool:
    """A refresh that is killed so long after its line; whether it was before its end."""
    before, numbers = settings.warehouse.read_bytes(), refreshes(settings)
    process = command.started(*REFRESH, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL)
    assert line(process, phase, name), (phase, name)
    time.sleep(seconds)
    dead = kill(process)
    assert_old_or_complete(settings, before, numbers)
    return dead


def test_a_refresh_killed_at_any_instant_leaves_what_is_published_and_the_next_one_is_right(
    si: Si, filled: Settings
) -> None:
    """At moments spread over its run, and after certain lines, while somebody writes; at the end nobody does."""
    command, deaths = si(filled), []
    with writing(filled) as written:
        seconds = clean(command, filled)
        for moment in range(MOMENTS):
            deaths.append(killed(command, filled, "", "", seconds * moment / (MOMENTS - 1)))
        for phase, name in LINES:
            deaths.append(killed(command, filled, phase, name, 0.0))
            if phase == "compute":  # whoever clears up may take away the working file, or a part of it
                warehouse.working_path(filled).unlink()
        assert all(written)
    assert sum(deaths) >= len(LINES) + MOMENTS // 2
    clean(command, filled)
    with connection_to(filled) as postgres:
        assert_published(postgres, worlds.read(postgres), sample.END)
        postgres.execute("update transactions set amount = 7 where id in (select id from transactions limit 2)")
        last = {one.table: one for one in refresh.run(filled, as_of=sample.END).extracts}
        assert (last["transactions"].mode, last["transactions"].updated) == (extract.INCREMENTAL, 2)
        assert_published(postgres, worlds.read(postgres), sample.END)


def test_the_first_refresh_of_all_killed_leaves_no_warehouse_and_the_next_one_is_right(
    si: Si, filled: Settings
) -> None:
    process = si(filled).started(*REFRESH, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL)
    assert line(process, "compute", "agent_leaderboard")
    assert kill(process)
    assert not filled.warehouse.exists()
    refresh.run(filled, as_of=sample.END)
    with connection_to(filled) as postgres:
        assert_published(postgres, worlds.read(postgres), sample.END)


def fingerprints(path: Path) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", READER, str(path)], input="\n", capture_output=True, text=True, check=True
    )
    return done.stdout.splitlines()


def test_a_reader_that_holds_the_old_warehouse_goes_on_reading_it_and_holds_nobody_up(
    filled: Settings, postgres: psycopg.Connection
) -> None:
    """The reader opens the file, reads next to nothing, and reads all of it after it was replaced."""
    refresh.run(filled, as_of=sample.END)
    old = fingerprints(filled.warehouse)
    holding = subprocess.Popen(
        [sys.executable, "-c", READER, str(filled.warehouse)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holding.stdout is not None
    assert holding.stdout.readline() == "1\n"
    postgres.execute("delete from transactions where type = 'agent_commission'")
    assert refresh.run(filled, as_of=sample.END, accept_change=True).rows_written > 0
    seen, _ = holding.communicate("\n", timeout=60)
    assert seen.splitlines() == old[1:]
    new = fingerprints(filled.warehouse)
    assert new[0] == "2"
    assert new[1:] != old[1:]
    assert_published(postgres, worlds.read(postgres), sample.END)
