"""Lets one publish run at a time, and waits only briefly for rows that an application holds.

Belongs here: the lock that keeps two publishes apart, and how long one wait for other sessions' locks lasts.

Postgres looks for deadlocks after a second of waiting (`deadlock_timeout`). We give up before that, release every
row and begin again: if a publish and an application wait for each other, the publish gives way.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, TypeVar

import psycopg

from si_analytics.errors import PublishError
from si_analytics.postgres import locks
from si_analytics.postgres.locks import Said
from si_analytics.publish.transaction import UNDONE

LOCK = 7_301_884_201
"""The lock that allows one publish at a time on a database, whichever warehouse it comes from."""

ROW_WAIT = 0.5
TABLE_WAIT = 5.0
_TOLD_AFTER = 3.0
_PATIENCE = 600.0
_POLL = 0.2
_BLOCKED = (
    psycopg.errors.LockNotAvailable,
    psycopg.errors.DeadlockDetected,
    psycopg.errors.SerializationFailure,
)

_Result = TypeVar("_Result")


def take(
    connection: psycopg.Connection[Any],
    said: Said,
    sleep: Callable[[float], None] = time.sleep,
    patience: float = _PATIENCE,
) -> None:
    """Wait for this database's turn to publish, which ends with the transaction; say now and then who has it.

    Raises PublishError, with who has it, after `patience` seconds.
    """
    waited, told = 0.0, _TOLD_AFTER
    while connection.execute("select pg_try_advisory_xact_lock(%s)", [LOCK]).fetchone() != (True,):
        if waited >= patience:
            found = f"another publish is at work for more than {patience:.0f} s: {_publisher(connection)}"
            raise PublishError("publishing to Postgres", found, f"{UNDONE}; try again when it has ended, or end it")
        if waited >= told:
            said(_publisher(connection), waited)
            told *= 2
        sleep(_POLL)
        waited += _POLL


def patiently(
    connection: psycopg.Connection[Any],
    work: Callable[[], _Result],
    said: Said,
    sleep: Callable[[float], None] = time.sleep,
    *,
    wait: float,
    patience: float,
) -> _Result:
    """What `work` returns. If others hold a lock for longer than `wait`, undoes it and retries after a pause.

    Raises PublishError, with who may hold the lock, after `patience` seconds.
    """

    def attempt() -> _Result:
        with connection.transaction():
            connection.execute("select set_config('lock_timeout', %s, true)", [f"{wait * 1000:.0f}ms"])
            return work()

    def heard(error: BaseException, pause: float) -> None:
        said(f"{_reason(error)}{_holders(connection)}", pause)

    try:
        return locks.patiently(attempt, _BLOCKED, wait=wait, patience=patience, said=heard, sleep=sleep)
    except _BLOCKED as error:
        found = f"after {patience:.0f} s of waiting {_reason(error)}{_holders(connection)}"
        raise PublishError("publishing to Postgres", found, f"{UNDONE}; {locks.WAIT_LONGER}") from error


def _reason(error: BaseException) -> str:
    """Which relation others hold, in the server's words."""
    where = error.diag.context if isinstance(error, psycopg.Error) else None
    told = error.diag.message_primary if isinstance(error, psycopg.Error) else str(error)
    return f"{told} ({where.splitlines()[0]})" if where else str(told)


def _publisher(connection: psycopg.Connection[Any]) -> str:
    """The session that has the turn; a session that has just ended cannot be named."""
    return locks.turn_holder(connection, LOCK) or "it has just ended"


def _holders(connection: psycopg.Connection[Any]) -> str:
    """The sessions that have been writing longest here: Postgres does not say whose lock stopped a wait."""
    found = locks.holders(connection, locks.WRITERS_WAIT_FOR)
    return f"; open the longest: {found}" if found else ""
