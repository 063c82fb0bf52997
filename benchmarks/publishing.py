"""What publishing costs, how long others wait for it, and how long a change takes to a published rank.

Belongs here: spoiling what stands in the targets, sessions that write and read meanwhile, `si watch --refresh` as
people start it.
"""

from __future__ import annotations

import json
import os
import random
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from benchmarks.measuring import Listener, once
from benchmarks.places import Place

SHARES = (0, 1_000, 100_000)
"""How many rows of ``contact_engagement`` are made to differ; of users and profiles as many at most."""
DEBOUNCES = ("0s", "2s")
QUIET = 5.0
"""Seconds for which the sessions are watched while nothing is published."""

_SPOIL = (
    "with chosen as (select contact_id from public.contact_engagement order by contact_id limit %(rows)s)"
    " update public.contact_engagement as target set opened_count = target.opened_count + 1"
    " from chosen where target.contact_id = chosen.contact_id",
    "with chosen as (select id from public.users where review_count > 0 order by id limit %(rows)s)"
    " update public.users as target set rating = 5.00 - target.rating, review_count = review_count + 1"
    " from chosen where target.id = chosen.id",
    # So that the materialized view is refreshed as well, under those who read it.
    "update analytics.agent_leaderboard set total_deals = total_deals + 1",
)
_SESSIONS: Mapping[str, tuple[str, str]] = {
    "users, rows that change": (
        "select id from public.users where review_count > 0 order by id limit %(rows)s",
        "update public.users set name = name where id = %(id)s",
    ),
    "contact_engagement, rows that change": (
        "select contact_id from public.contact_engagement order by contact_id limit %(rows)s",
        "update public.contact_engagement set response_rate = response_rate where contact_id = %(id)s",
    ),
    "contacts, which hang on them": (
        "select contact_id from public.contact_engagement order by contact_id limit %(rows)s",
        "update public.contacts set name = name where id = %(id)s",
    ),
    "a message of a user whose row changes": (
        "select id from public.users where review_count > 0 order by id limit %(rows)s",
        "insert into public.feed_activities (user_id, type, title) values (%(id)s, 'benchmark', '')",
    ),
    "reading the board": ("select 1", "select * from public.agent_leaderboard where rank <= 20 and %(id)s is not null"),
}
"""Of each session: whose ids it takes in turn, and what it does with one."""


@dataclass(frozen=True)
class Cost:
    """What one publication took, and how many rows it wrote."""

    words: str
    rows: int
    seconds: tuple[float, ...]


@dataclass(frozen=True)
class Waits:
    """The longest that each session waited for one statement, in seconds: while nothing and while so much changed."""

    rows: int
    seconds: float
    quiet: Mapping[str, float]
    published: Mapping[str, float]


@dataclass(frozen=True)
class Delay:
    """Seconds from the commit of a commission to the rank it brings, with this `debounce`."""

    debounce: str
    seconds: tuple[float, ...]
    refreshing: tuple[float, ...]

    @property
    def median(self) -> float:
        """The middle one."""
        return statistics.median(self.seconds)


@dataclass
class _Session:
    """One session that does the same thing again and again; ``begun`` once it did it for the first time, or failed."""

    longest: float = 0.0
    failed: list[str] = field(default_factory=list)
    begun: threading.Event = field(default_factory=threading.Event)


def cost(place: Place, rounds: int, listen: Listener) -> list[Cost]:
    """A first publication, then ones where nothing, little and much differs, each in a process of its own."""
    once("full_refresh", place)
    with psycopg.connect(place.url, autocommit=True) as connection:
        connection.execute("truncate public.contact_engagement")
    found = [Cost("first: no contact has a row yet", *_published(place, 1, None))]
    for rows in SHARES:
        words = f"{rows:,} contacts, and users, differ" if rows else "again: nothing differs"
        found.append(Cost(words, *_published(place, rounds, rows)))
    for one in found:
        listen(f"{place.size}: {one.words}: {one.rows:,} rows, {statistics.median(one.seconds):.2f} s")
    return found


def _published(place: Place, rounds: int, rows: int | None) -> tuple[int, tuple[float, ...]]:
    taken = []
    for _ in range(rounds):
        if rows:
            _spoil(place, rows)
        taken.append(once("publication", place))
    return taken[-1].rows, tuple(one.seconds for one in taken)


def _spoil(place: Place, rows: int) -> None:
    """Make so many rows of each of two targets differ from what was published."""
    with psycopg.connect(place.url, autocommit=True) as connection:
        for statement in _SPOIL:
            connection.execute(statement.encode(), {"rows": rows} if "%(rows)s" in statement else None)
        connection.execute("vacuum (analyze) public.contact_engagement")
        connection.execute("checkpoint")


def waits(place: Place, listen: Listener, quiet: float = QUIET) -> list[Waits]:
    """How long others wait while so many rows are published, after a full refresh."""
    found = []
    for rows in SHARES[1:]:
        with _at_work(place, rows) as sessions:
            time.sleep(quiet)
        before = _longest(sessions)
        _spoil(place, rows)
        with _at_work(place, rows) as sessions:
            published = once("publication", place)
        found.append(Waits(published.rows, published.seconds, before, _longest(sessions)))
        listen(f"{place.size}: {published.rows:,} rows; longest wait {max(found[-1].published.values()):.2f} s")
    with psycopg.connect(place.url, autocommit=True) as connection:
        connection.execute("delete from public.feed_activities where type = 'benchmark'")
    return found


def _longest(sessions: Mapping[str, _Session]) -> dict[str, float]:
    if failed := [words for session in sessions.values() for words in session.failed]:
        raise RuntimeError(f"a session beside a publication failed: {failed[0]}")
    return {name: session.longest for name, session in sessions.items()}


@contextmanager
def _at_work(place: Place, rows: int) -> Iterator[dict[str, _Session]]:
    """Every session in a thread of its own, without a pause; all are at work when the block begins."""
    sessions = {name: _Session() for name in _SESSIONS}
    ended = threading.Event()
    threads = [threading.Thread(target=_work, args=(place, rows, name, sessions[name], ended)) for name in sessions]
    for thread in threads:
        thread.start()
    try:
        for session in sessions.values():
            session.begun.wait()
        yield sessions
    finally:
        ended.set()
        for thread in threads:
            thread.join()


def _work(place: Place, rows: int, name: str, session: _Session, ended: threading.Event) -> None:
    chosen, done = _SESSIONS[name]
    chance = random.Random(rows)
    try:
        with psycopg.connect(place.url, autocommit=True) as connection:
            ids = [one for (one,) in connection.execute(chosen.encode(), {"rows": rows})]
            while not ended.is_set():
                started = time.perf_counter()
                connection.execute(done.encode(), {"id": chance.choice(ids)})
                session.longest = max(session.longest, time.perf_counter() - started)
                session.begun.set()
    except psycopg.Error as error:
        session.failed.append(str(error))
    finally:
        session.begun.set()


def delays(place: Place, rounds: int, listen: Listener, debounces: Sequence[str] = DEBOUNCES) -> list[Delay]:
    """From the commit of a commission that makes its agent the first to the published rank, through `si watch`."""
    once("full_refresh", place)
    with psycopg.connect(place.url, autocommit=True) as connection:
        try:
            return [_delayed(place, connection, debounce, rounds, listen) for debounce in debounces]
        finally:
            connection.execute("delete from public.transactions where description = 'benchmark'")


def _delayed(
    place: Place, connection: psycopg.Connection[tuple[object, ...]], debounce: str, rounds: int, listen: Listener
) -> Delay:
    seconds, refreshing = [], []
    with _watching(place, debounce) as watch:
        for number in range(rounds + 1):
            _to_the_top(connection)
            committed = time.perf_counter()
            while not _ranked(connection):
                if watch.poll() is not None or time.perf_counter() - committed > 600:
                    raise RuntimeError("si watch --refresh did not publish a change")
                time.sleep(0.005)
            taken = time.perf_counter() - committed
            refreshed = _refreshed(watch)
            if number:  # the first one finds the watch starting
                seconds.append(taken)
                refreshing.append(refreshed)
                listen(f"{place.size}, debounce {debounce}: {taken:.2f} s, of which refreshing {refreshed:.2f} s")
    return Delay(debounce, tuple(seconds), tuple(refreshing))


def _to_the_top(connection: psycopg.Connection[tuple[object, ...]]) -> None:
    """A commission by which the last of the board becomes its first."""
    connection.execute(
        "insert into public.transactions (type, amount, currency, status, to_user_id, created_at, description)"
        " select 'agent_commission', 1 + sum(abs(total_earnings)), 'usd', 'completed',"
        " (array_agg(agent_id order by rank desc, agent_id))[1], '2026-01-01', 'benchmark'"
        " from public.agent_leaderboard"
    )


def _ranked(connection: psycopg.Connection[tuple[object, ...]]) -> bool:
    """Whether whoever has the latest commission of ours is the first."""
    row = connection.execute(
        "select exists (select 1 from public.agent_leaderboard where rank = 1 and agent_id = ("
        "select to_user_id from public.transactions where description = 'benchmark' order by amount desc limit 1))"
    ).fetchone()
    return row == (True,)


@contextmanager
def _watching(place: Place, debounce: str) -> Iterator[subprocess.Popen[str]]:
    environment = {**os.environ, "SI_POSTGRES_URL": place.url, "SI_HOME": str(place.home)}
    environment["SI_WAREHOUSE"] = str(place.home / "warehouse.duckdb")
    command = [sys.executable, "-m", "si_analytics", "watch", "--refresh", "--json", "--debounce", debounce]
    with subprocess.Popen(
        command, cwd=Path(__file__).parents[1], env=environment, stdout=subprocess.PIPE, text=True
    ) as watch:
        try:
            yield watch
        finally:
            watch.terminate()


def _refreshed(watch: subprocess.Popen[str]) -> float:
    """What the refresh that just ended took, by its own account."""
    for line in watch.stdout or ():
        told = json.loads(line)
        if told["event"] == "refreshed":
            return float(told["seconds"])
        if told["event"] == "failed":
            raise RuntimeError(f"si watch --refresh: {told['error']}")
    raise RuntimeError("si watch --refresh ended")
