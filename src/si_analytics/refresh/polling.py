"""Asks Postgres over one lasting connection whether anything was committed since a snapshot.

Belongs here: the cheapest question of all, which is asked several times a second. It reads no table, takes no lock,
holds no transaction open and takes no transaction number.
"""

from __future__ import annotations

import psycopg

from si_analytics import postgres
from si_analytics.postgres.sessions import OwnConnection
from si_analytics.settings import Settings

_SNAPSHOT = "select pg_current_snapshot()::text"


class Polling:
    """One connection that is opened at the first question, and again where it was lost; `close` ends it."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._connection: OwnConnection | None = None

    def nothing_since(self, snapshot: str) -> bool:
        """Whether no transaction was committed since `snapshot`, a text that Postgres wrote; False if it cannot tell.

        Raises ServerError if the server cannot be asked.
        """
        return _tells(snapshot) and self._now() == snapshot

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _now(self) -> str:
        """The current snapshot. A connection that stood idle may have been ended meanwhile: then asks on a new one."""
        if self._connection is not None:
            try:
                return self._ask(self._connection)
            except psycopg.OperationalError:
                self.close()
        with postgres.asking("looking for changes"):
            self._connection = postgres.connect(self._settings, at_source=True, autocommit=True)
            return self._ask(self._connection)

    def _ask(self, connection: OwnConnection) -> str:
        ((text,),) = connection.execute(_SNAPSHOT).fetchall()
        return str(text)


def _tells(snapshot: str) -> bool:
    """Whether two equal texts mean that nothing was committed in between.

    A text names every transaction at work, and the number after the last that ended. So a commit changes it, even while
    others stay open. Only a standby leaves those at work out.
    """
    xmin, xmax, at_work = snapshot.split(":")
    return xmin == xmax or bool(at_work)
