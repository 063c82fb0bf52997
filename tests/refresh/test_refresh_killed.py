"""A refresh killed at any instant: what is published stands or is complete, and the next refresh is right."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from si_analytics import refresh, sample
from si_analytics.settings import Settings
from tests.support import worlds
from tests.support.commands import Si
from tests.support.published_tables import assert_published, connection_to

REFRESH = ("refresh", "--as-of", sample.END.isoformat())
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
def settings(make_sampled: Callable[[float, int], Settings]) -> Settings:
    return make_sampled(0.02, 13)


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


def test_the_first_refresh_of_all_killed_leaves_no_warehouse_and_the_next_one_is_right(
    si: Si, settings: Settings
) -> None:
    process = si(settings).started(*REFRESH, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL)
    assert line(process, "compute", "agent_leaderboard")
    assert kill(process)
    assert not settings.warehouse.exists()
    refresh.run(settings, as_of=sample.END)
    with connection_to(settings) as postgres:
        assert_published(postgres, worlds.read(postgres), sample.END)


def fingerprints(path: Path) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", READER, str(path)], input="\n", capture_output=True, text=True, check=True
    )
    return done.stdout.splitlines()


def test_a_reader_that_holds_the_old_warehouse_goes_on_reading_it_and_holds_nobody_up(
    settings: Settings, postgres: psycopg.Connection
) -> None:
    """The reader opens the file, reads next to nothing, and reads all of it after it was replaced."""
    refresh.run(settings, as_of=sample.END)
    old = fingerprints(settings.warehouse)
    holding = subprocess.Popen(
        [sys.executable, "-c", READER, str(settings.warehouse)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holding.stdout is not None
    assert holding.stdout.readline() == "1\n"
    postgres.execute("delete from transactions where type = 'agent_commission'")
    assert refresh.run(settings, as_of=sample.END, accept_change=True).rows_written > 0
    seen, _ = holding.communicate("\n", timeout=60)
    assert seen.splitlines() == old[1:]
    new = fingerprints(settings.warehouse)
    assert new[0] == "2"
    assert new[1:] != old[1:]
    assert_published(postgres, worlds.read(postgres), sample.END)
