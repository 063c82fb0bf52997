"""Fifty refreshes in a row killed while somebody writes and somebody reads: nobody sees half of one, the next is right.

Each is killed as by `kill -9`: at a moment drawn from a fixed seed, right after a named step, or on either side of the
rename. What was drawn is told where the test fails.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import psycopg
import pytest

from si_analytics import extract, publish, refresh, sample, warehouse
from si_analytics.settings import Settings
from tests.support import worlds
from tests.support.forks import AFTER, BEFORE, Ended, Forks, forking
from tests.support.published_tables import assert_published, connection_to

SEED = 20261124
KILLS = 50
NAMED = (
    ("extract", extract.tables()[0]),
    ("extract", extract.tables()[-1]),
    ("compute", "agent_leaderboard"),
    ("check", "metric_keys"),
    ("publish", publish.targets()[0]),
    ("publish", publish.targets()[-1]),
    (BEFORE, ""),
    (AFTER, ""),
)
TWICE = 2 * NAMED
LONGEST_WAIT = 5.0
"""Seconds: what a writer may wait for what a killed refresh left in Postgres; it is milliseconds."""
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
PUBLISHED_ROWS = (
    "update agent_profiles set tier = tier"
    " where user_id in (select user_id from agent_profiles order by random() limit 1)",
    "update users set name = name where id in (select id from users order by random() limit 1)",
)


@dataclass
class Writer:
    """Somebody who writes all the while: how often each statement was run, the longest it took, what went wrong."""

    done: list[int] = field(default_factory=lambda: [0] * len((*WRITES, *PUBLISHED_ROWS)))
    longest: float = 0.0
    failed: list[str] = field(default_factory=list)


@contextmanager
def writing(settings: Settings) -> Iterator[Writer]:
    """A writer for the length of the block, on the tables that are read and on rows that are published."""
    writer, ended, chance = Writer(), threading.Event(), random.Random(SEED)
    statements = (*WRITES, *PUBLISHED_ROWS)

    def write() -> None:
        try:
            with connection_to(settings) as connection:
                connection.execute("set statement_timeout = '20s'")
                while not ended.wait(0.02):
                    chosen, started = chance.randrange(len(statements)), time.monotonic()
                    connection.execute(statements[chosen])
                    writer.longest = max(writer.longest, time.monotonic() - started)
                    writer.done[chosen] += 1
        except psycopg.Error as error:
            writer.failed.append(str(error))

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield writer
    finally:
        ended.set()
        thread.join(60)
        assert not thread.is_alive()


@pytest.fixture
def filled(settings: Settings) -> Settings:
    sample.generate(settings, scale=0.01, seed=13)
    return settings


def kill(forks: Forks, whole: float) -> tuple[list[Ended], list[str]]:
    """Fifty deaths, in an order that is drawn; those killed too late to die of it are told and do not count."""
    chance = random.Random(SEED)
    drawn: list[tuple[str, str] | float] = [*TWICE]
    others = KILLS - len(TWICE)
    drawn += [0.95 * whole * (number + chance.random()) / others for number in range(others)]
    chance.shuffle(drawn)
    deaths: list[Ended] = []
    told: list[str] = []
    while len(deaths) < KILLS:
        moment = drawn.pop() if drawn else chance.uniform(0.0, 0.7 * whole)
        ended = forks.refresh(at=moment) if isinstance(moment, tuple) else forks.refresh(seconds=moment)
        told.append(f"{moment}: {ended.code} after {ended.steps[-1:]}")
        assert ended.code in {0, -9}, (told, ended.said)
        assert len(told) < 2 * KILLS, told
        if ended.killed:
            deaths.append(ended)
        assert ended.killed or not isinstance(moment, tuple), told
    return deaths, told


def test_fifty_refreshes_killed_in_a_row_show_a_mix_to_nobody_block_nobody_and_the_next_one_is_right(
    filled: Settings,
) -> None:
    assert filled.postgres_url is not None
    with forking(filled.postgres_url.get_secret_value(), filled.home, filled.warehouse) as forks:
        assert forks.refresh().code == 0
        with writing(filled) as writer:
            whole = forks.refresh().seconds
            forks.watch()
            deaths, told = kill(forks, whole)
            seen = forks.watched()
        assert seen["broken"] == [], told
        assert seen["looks"] > KILLS
        assert seen["files"] >= 2, told  # those killed after the rename had put a new one there
        assert writer.failed == [], told
        assert all(writer.done), writer.done
        assert writer.longest < LONGEST_WAIT
        assert {step[0] for ended in deaths for step in ended.steps[-1:]} >= {"extract", "compute", "check", "publish"}
        assert forks.refresh().code == 0
    assert not warehouse.working_path(filled).exists()
    with connection_to(filled) as postgres:
        assert_published(postgres, worlds.read(postgres), sample.END)
        for _ in range(5):  # the earlier file that a refresh brings up may be that old: of when most rows changed
            refresh.run(filled, as_of=sample.END)
        postgres.execute("update transactions set amount = 7 where id in (select id from transactions limit 2)")
        last = {one.table: one for one in refresh.run(filled, as_of=sample.END).extracts}
        assert (last["transactions"].mode, last["transactions"].updated) == (extract.INCREMENTAL, 2)
        assert_published(postgres, worlds.read(postgres), sample.END)


def test_a_refresh_whose_working_file_was_taken_away_after_it_was_killed_is_followed_by_one_that_is_right(
    filled: Settings,
) -> None:
    """Whoever clears up may delete what a dead refresh left, or the first part of it."""
    assert filled.postgres_url is not None
    with forking(filled.postgres_url.get_secret_value(), filled.home, filled.warehouse) as forks:
        assert forks.refresh(at=("compute", "agent_leaderboard")).killed
        assert not filled.warehouse.exists()
        warehouse.working_path(filled).unlink()
        assert forks.refresh().code == 0
    with connection_to(filled) as postgres:
        assert_published(postgres, worlds.read(postgres), sample.END)
