"""What a session of ours is set to, for as long as it is ours and no longer.

Belongs here: the psycopg connection whose transactions begin with our settings, and whether a pooler stands between.

A pooler in transaction mode hands the session on to whoever comes next, with all that was set in it. So everything is
set with ``set local``, at the beginning of each transaction, and ends with it. Only a session that is known to be ours
alone, because the server itself answered, keeps what is set for statements outside of transactions.
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
"""Settings of Postgres and their values; a path has several."""


class Connection(operational.Connection):
    """A connection each transaction of which begins with `settings`, which end with it."""

    settings: Settings
    pooled = False
    _standing = False

    def settle(self, settings: Settings, *, read_only: bool) -> None:
        """Begin each transaction with these; find out who answers. Reads once."""
        self.settings = settings
        self.read_only = read_only or None
        self.cursor_factory, self.server_cursor_factory = Cursor, ServerCursor
        with self.transaction():
            # Who is there can be told whatever the limits are.
            self.execute("set local statement_timeout = 0; set local idle_in_transaction_session_timeout = 0")
            ((process,),) = self.execute("select pg_catalog.pg_backend_pid()").fetchall()
            # A pooler makes up the number that it tells whoever connects: it is none of the server's processes.
            self.pooled = process != self.info.backend_pid
            watchful = [] if self.pooled else self.execute(project().postgres.watchful.text).fetchall()
        # The other side may be gone without a word: a server whose client was killed notices also while it waits for a
        # lock, and lets go of its own.
        self.settings = {**settings, **{name: (wanted,) for name, wanted in watchful}}

    @contextlib.contextmanager
    def transaction(
        self, savepoint_name: str | None = None, force_rollback: bool = False
    ) -> Iterator[psycopg.Transaction]:
        """A transaction that begins with our settings, or a savepoint within one."""
        begins = self.info.transaction_status == TransactionStatus.IDLE
        with super().transaction(savepoint_name, force_rollback) as transaction:
            if begins:
                self._set(local=True)
            yield transaction

    @contextlib.contextmanager
    def prepared(self) -> Iterator[None]:
        """Have our settings hold for one statement."""
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
        # In one go, and not as a query: whoever wants to choose the transaction's snapshot still can.
        statements = [
            how.format(sql.Identifier(name), sql.SQL(", ").join(map(sql.Literal, values)))
            for name, values in wanted.items()
        ]
        psycopg.Cursor(self).execute(sql.SQL("; ").join(statements))


class _Prepared:
    """Each statement of a cursor finds our settings in force."""

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
    """A cursor of ours."""


class ServerCursor(_Prepared, psycopg.ServerCursor[Any]):
    """A cursor of ours whose rows stay on the server."""
