"""Our settings for a session, which last only while the session is ours.

Belongs here: the psycopg connection that begins each transaction with our settings, and detecting a pooler.

A pooler in transaction mode passes the session to the next client, with all its settings. So we set everything with
``set local`` at the start of each transaction, and it ends with the transaction. Only if the server itself answered
is the session ours alone; then it also keeps the settings for statements outside of transactions.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

import psycopg
from psycopg import sql
from psycopg.pq import TransactionStatus

from si_analytics.definitions import project
from si_analytics.postgres import operational

Settings = Mapping[str, tuple[str, ...]]
"""Settings of Postgres and their values; a search path has several values."""


class OwnConnection(operational.Connection):
    """A connection that begins each of its transactions with `settings`; they end with the transaction."""

    settings: Settings
    pooled = False
    _standing = False

    def settle(self, settings: Settings, *, read_only: bool) -> None:
        """Uses these settings from now on, and finds out whether a pooler answers; reads from the server once."""
        self.settings = settings
        self.read_only = read_only or None
        self.cursor_factory, self.server_cursor_factory = Cursor, ServerCursor
        with self.transaction():
            # Finding out who answers must work whatever the limits are.
            self.execute("set local statement_timeout = 0; set local idle_in_transaction_session_timeout = 0")
            ((process,),) = self.execute("select pg_catalog.pg_backend_pid()").fetchall()
            # A pooler invents the process id it reports, so it differs from the server's own.
            self.pooled = process != self.info.backend_pid
            watchful = [] if self.pooled else self.execute(project().postgres.watchful.text).fetchall()
        # A server whose client was killed must notice it even while it waits for a lock, and release its own locks.
        self.settings = {**settings, **{name: (wanted,) for name, wanted in watchful}}

    @contextlib.contextmanager
    def transaction(
        self, savepoint_name: str | None = None, force_rollback: bool = False
    ) -> Iterator[psycopg.Transaction]:
        """A transaction with our settings, or a savepoint within one."""
        begins = self.info.transaction_status == TransactionStatus.IDLE
        with super().transaction(savepoint_name, force_rollback) as transaction:
            if begins:
                self._set(local=True)
            yield transaction

    @contextlib.contextmanager
    def prepared(self) -> Iterator[None]:
        """Applies our settings to one statement."""
        if self.info.transaction_status != TransactionStatus.IDLE:
            yield
        elif not self.autocommit:
            self._set(local=True)
            yield
        elif self.pooled:
            with self.transaction():
                yield
        else:
            if not self._standing:
                self._set(local=False)
                self._standing = True
            yield

    def _set(self, *, local: bool) -> None:
        wanted = dict(self.settings)
        if self.read_only and not local:
            wanted["default_transaction_read_only"] = ("on",)
        how = sql.SQL("set local {} = {}" if local else "set {} = {}")
        # One call, and not a query, so that the caller can still choose the transaction's snapshot.
        statements = [
            how.format(sql.Identifier(name), sql.SQL(", ").join(map(sql.Literal, values)))
            for name, values in wanted.items()
        ]
        psycopg.Cursor(self).execute(sql.SQL("; ").join(statements))


class _Prepared:
    """Runs each statement of a cursor with our settings."""

    def execute(self, *given: Any, **named: Any) -> Any:
        with self.connection.prepared():  # type: ignore[attr-defined]
            return super().execute(*given, **named)  # type: ignore[misc]

    def executemany(self, *given: Any, **named: Any) -> Any:
        with self.connection.prepared():  # type: ignore[attr-defined]
            return super().executemany(*given, **named)  # type: ignore[misc]

    def stream(self, *given: Any, **named: Any) -> Iterator[Any]:
        with self.connection.prepared():  # type: ignore[attr-defined]
            yield from super().stream(*given, **named)  # type: ignore[misc]

    @contextlib.contextmanager
    def copy(self, *given: Any, **named: Any) -> Iterator[psycopg.Copy]:
        with self.connection.prepared(), super().copy(*given, **named) as copying:  # type: ignore[attr-defined, misc]
            yield copying


class Cursor(_Prepared, psycopg.Cursor[Any]):
    """A cursor that uses our settings."""


class ServerCursor(_Prepared, psycopg.ServerCursor[Any]):
    """A cursor that uses our settings and leaves its rows on the server."""
