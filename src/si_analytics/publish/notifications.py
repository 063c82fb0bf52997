"""Hears of each publication as it is committed (``LISTEN si_metrics``), even across restarts of the server.

Belongs here: `Listener`, its connection and how it reconnects.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Any
from uuid import UUID

import psycopg
from psycopg import sql as pg_sql

from si_analytics import postgres
from si_analytics.definitions import project
from si_analytics.errors import ServerError
from si_analytics.publish import record
from si_analytics.settings import Settings

_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 30.0
_OWN_WORDS = 3.0  # seconds for our own message to arrive
_TAKING_BACK = 20

Connection = psycopg.Connection[tuple[Any, ...]]


@dataclass(frozen=True)
class Published:
    """One publication: its refresh, the moment it describes, the rows written per target."""

    refresh_id: UUID
    as_of: datetime
    changed: Mapping[str, int]


@dataclass(frozen=True)
class Lost:
    """The connection is gone, and why; the listener retries after `seconds`."""

    reason: str
    seconds: float


@dataclass(frozen=True)
class Back:
    """The connection is back; publications missed meanwhile follow."""


@dataclass(frozen=True)
class Unreadable:
    """A notification on the channel that none of our refreshes sends."""

    payload: str


Heard = Published | Lost | Back | Unreadable


class Listener:
    """Listens from when it is entered. `wait` returns what it heard, and reconnects after a break.

    Raises ServerError on entering if the server cannot be reached; afterwards it returns `Lost` and retries,
    after pauses that grow to half a minute.
    """

    def __init__(self, settings: Settings, sleep: Callable[[float], None] = time.sleep) -> None:
        self._settings, self._sleep = settings, sleep
        self._connection: Connection | None = None
        self._pause = self._next_pause = _FIRST_PAUSE
        self._last: datetime | None = None
        self._told: set[UUID] = set()

    def __enter__(self) -> Listener:
        self._connection = self._connect()
        self._missed(self._connection)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop listening."""
        if self._connection is not None:
            self._connection.close()
        self._connection = None

    def wait(self, seconds: float) -> list[Heard]:
        """What is heard first, as soon as it is heard; nothing if `seconds` pass in silence."""
        if self._connection is None:
            return self._return(seconds)
        try:
            found = list(self._connection.notifies(timeout=seconds, stop_after=1))
        except psycopg.OperationalError as error:
            return [self._lose(" ".join(str(error).split()))]
        return [self._read(one.payload) for one in found]

    def _return(self, seconds: float) -> list[Heard]:
        """Reconnect after the announced pause, and return what was published since the break."""
        if self._pause > seconds:
            self._sleep(seconds)
            self._pause -= seconds
            return []
        self._sleep(self._pause)
        try:
            connection = self._connect()
            missed = self._missed(connection)
        except ServerError as error:
            return [self._lose(error.found)]
        self._connection, self._next_pause = connection, _FIRST_PAUSE
        return [Back(), *missed]

    def _lose(self, reason: str) -> Lost:
        self.close()
        self._pause = self._next_pause
        self._next_pause = min(2 * self._next_pause, _LONGEST_PAUSE)
        return Lost(reason, self._pause)

    def _connect(self) -> Connection:
        connection = postgres.connect(self._settings, autocommit=True)
        try:
            with postgres.asking("listening to Postgres"):
                _require_hearing(connection, self._settings)
                connection.execute(pg_sql.SQL("listen {}").format(pg_sql.Identifier(record.CHANNEL)))
        except BaseException:
            connection.close()
            raise
        return connection

    def _missed(self, connection: Connection) -> list[Heard]:
        """What was published since the last publication heard; nothing if this role may not read the record."""
        try:
            with postgres.asking("listening to Postgres"):
                rows = connection.execute(project().postgres.published_since.text, {"after": self._last}).fetchall()
        except (psycopg.errors.InsufficientPrivilege, psycopg.errors.UndefinedTable):
            return []  # this role cannot read the record: it hears only what is sent from here on
        except BaseException:
            connection.close()
            raise
        if rows:
            self._last = rows[-1][3]
        told, self._told = self._told, set()
        return [Published(row[0], row[1], row[2]) for row in rows if row[0] not in told]

    def _read(self, payload: str) -> Heard:
        try:
            parts = json.loads(payload)
            one = Published(UUID(parts["refresh_id"]), datetime.fromisoformat(parts["as_of"]), dict(parts["changed"]))
        except (ValueError, KeyError, TypeError, AttributeError):
            return Unreadable(payload)
        self._told.add(one.refresh_id)
        return one


def _require_hearing(connection: Connection, settings: Settings) -> None:
    """Send ourselves a message, on a channel of our own. Raises ServerError if it does not arrive.

    It comes from a second connection: a pooler that shares sessions delivers it to whoever has the session then.
    """
    channel = f"si_watch_{uuid.uuid4().hex}"
    named = pg_sql.Identifier(channel)
    with connection.transaction():
        connection.execute(pg_sql.SQL("listen {}").format(named))
        session = connection.execute("select pg_backend_pid()").fetchone()
    with postgres.connect(settings, autocommit=True) as other:
        other.execute("select pg_notify(%s, '')", [channel])
    heard = list(connection.notifies(timeout=_OWN_WORDS, stop_after=1))
    for _ in range(_TAKING_BACK):  # on the session that listens: somebody else may have it by now
        with connection.transaction():
            connection.execute(pg_sql.SQL("unlisten {}").format(named))
            if connection.execute("select pg_backend_pid()").fetchone() == session:
                break
    if not heard:
        found = "what is sent does not arrive, as behind a pooler in transaction mode, which hands sessions on"
        remedy = "For `si watch` set SI_POSTGRES_URL to the server itself, or to a pool in session mode"
        raise ServerError("listening to Postgres", found, remedy)
