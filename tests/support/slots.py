"""Settings that read changes from a replication slot, and servers that keep one.

Belongs here: naming slots apart, for a server has each name once, and what a slot tells where others do not wait.
"""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from si_analytics.schema import slot
from si_analytics.settings import Settings
from tests.support import outside
from tests.support.outside import OutsideServer

_counter = itertools.count()
_SECONDS = 30.0


def reading_a_slot(settings: Settings) -> Settings:
    """The same settings with a slot of their own, which is not made yet."""
    return settings.model_copy(update={"changes": "slot", "slot": f"si_{os.getpid()}_{next(_counter)}"})


def with_a_slot(settings: Settings) -> Settings:
    """The same settings with a slot of their own."""
    found = reading_a_slot(settings)
    slot.apply(found)
    return found


def confirmed(postgres: psycopg.Connection, settings: Settings) -> int:
    """The place in the log, in bytes, before which the slot tells nothing any more."""
    query = "select pg_wal_lsn_diff(confirmed_flush_lsn, '0/0')::bigint from pg_replication_slots where slot_name = %s"
    ((place,),) = postgres.execute(query, [settings.slot]).fetchall()
    return int(place)


@contextmanager
def keeping_little(binaries: Path) -> Iterator[OutsideServer]:
    """A server that gives a slot up once it holds back more than a file of the log."""
    flags = "-c wal_level=logical -c max_slot_wal_keep_size=1MB -c wal_keep_size=0 -c max_wal_size=32MB"
    with outside.running(binaries, lambda data: f"{flags} -c autovacuum=off") as server:
        yield server


def lose(postgres: psycopg.Connection, settings: Settings) -> None:
    """Write the log on until the server has given the slot up."""
    query = "select wal_status from pg_replication_slots where slot_name = %s"
    for _ in range(20):
        postgres.execute("select pg_logical_emit_message(false, 'test', repeat('x', 1000))")
        postgres.execute("select pg_switch_wal()")
        postgres.execute("checkpoint")
        if postgres.execute(query, [settings.slot]).fetchone() == ("lost",):
            return
    raise AssertionError("the server keeps the slot")


@contextmanager
def held(settings: Settings) -> Iterator[None]:
    """The slot in the hands of another session, a subscriber."""
    url = str(settings.postgres_url.get_secret_value()) if settings.postgres_url else ""
    given = {"conninfo": url, "autocommit": True, "replication": "database"}
    other = psycopg.connect(**given)
    command = f"START_REPLICATION SLOT {settings.slot} LOGICAL 0/0 (proto_version '1', publication_names 'si_changes')"
    other.pgconn.send_query(command.encode())
    with psycopg.connect(url, autocommit=True) as looking:
        query = "select from pg_replication_slots where slot_name = %s and active = %s"
        _await(lambda: looking.execute(query, [settings.slot, True]).rowcount == 1)
        yield
        other.pgconn.finish()
        _await(lambda: looking.execute(query, [settings.slot, False]).rowcount == 1)


def _await(over: Callable[[], bool]) -> None:
    until = time.monotonic() + _SECONDS
    while not over():
        assert time.monotonic() < until, "the slot is not as it should be"
        time.sleep(0.02)
