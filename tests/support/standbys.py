"""A primary and a standby that follows it, as others run them: streaming, on loopback.

Belongs here: making them, and holding the standby back or letting it catch up.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from tests.support import outside
from tests.support.outside import OutsideServer

_SECONDS = 30.0


@dataclass(frozen=True)
class Pair:
    """A primary and its standby, both reached over TCP with the same password."""

    primary: OutsideServer
    standby: OutsideServer

    def ask(self, server: OutsideServer, query: str, database: str = "postgres") -> object:
        """The one value that a query gives."""
        with psycopg.connect(server.url_of(database), autocommit=True) as connection:
            row = connection.execute(query).fetchone()  # type: ignore[arg-type]
        assert row is not None
        return row[0]

    def hold(self) -> None:
        """Let the standby receive, and replay nothing more, until `catch_up`."""
        self.ask(self.standby, "select pg_wal_replay_pause()")
        until = time.monotonic() + _SECONDS
        while self.ask(self.standby, "select pg_get_wal_replay_pause_state()") != "paused":
            assert time.monotonic() < until, "the standby goes on replaying"
            time.sleep(0.02)

    def fall_behind(self) -> None:
        """Wait until the standby has received what it does not replay: who commits nothing waits for no disk."""
        until = time.monotonic() + _SECONDS
        while not self.ask(self.standby, "select pg_last_wal_receive_lsn() > pg_last_wal_replay_lsn()"):
            assert time.monotonic() < until, "nothing reaches the standby"
            time.sleep(0.02)

    def catch_up(self) -> None:
        """Wait until the standby has replayed all that the primary has written by now."""
        self.ask(self.standby, "select pg_wal_replay_resume()")
        written = self.ask(self.primary, "select pg_current_wal_insert_lsn()::text")
        until = time.monotonic() + _SECONDS
        while not self.ask(self.standby, f"select pg_last_wal_replay_lsn() >= '{written}'::pg_lsn"):
            assert time.monotonic() < until, "the standby does not catch up"
            time.sleep(0.02)


@contextmanager
def running(binaries: Path) -> Iterator[Pair]:
    """A fresh pair, run by `binaries`; gone at the end."""
    with outside.running(binaries, lambda data: "-c autovacuum=off -c wal_level=replica") as primary:
        home = Path(tempfile.mkdtemp(prefix="standby-"))
        try:
            outside.owned(home)
            outside.run(
                binaries / "pg_basebackup",
                *("-d", primary.url, "-D", str(home / "data"), "-R", "-X", "stream", "-c", "fast", "--no-sync"),
            )
            with outside.started(binaries, home) as server:
                pair = Pair(primary, OutsideServer(server.port, primary.password, home, server.number_on_from))
                pair.catch_up()
                yield pair
        finally:
            shutil.rmtree(home)
