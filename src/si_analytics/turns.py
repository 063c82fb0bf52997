"""Among others: one publish at a time, and short waits for rows that an application holds.

Belongs here: the lock that keeps two publishes apart, how long other sessions' locks are waited for, and who holds
them. May import: `errors`, `sql`, `unit_of_work`.

Postgres looks for deadlocks after a second of waiting (`deadlock_timeout`). We give up waiting before that, let go of
every row and begin again: of a publish and an application that wait for each other the publish gives way.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, TypeVar

import psycopg
import tenacity

from si_analytics import sql
from si_analytics.errors import PublishError
from si_analytics.unit_of_work import UNDONE

LOCK = 7_301_884_201
"""One publish at a time on a database, whichever warehouse it comes from."""

ROW_WAIT = "500ms"
TABLE_WAIT = "5s"
_ATTEMPTS = 10
_LONGEST_PAUSE = 10.0
_TOLD_AFTER = 3.0
_PATIENCE = 600.0
_POLL = 0.2
_BLOCKED = (
    psycopg.errors.LockNotAvailable,
    psycopg.errors.DeadlockDetected,
    psycopg.errors.SerializationFailure,
)

Said = Callable[[str, float], None]
"""Hears whom a publish waits for, and for how many seconds it did."""

_Result = TypeVar("_Result")


def take(
    connection: psycopg.Connection[Any],
    said: Said,
    sleep: Callable[[float], None] = time.sleep,
    patience: float = _PATIENCE,
) -> None:
    """Wait for this database's turn to publish, which ends with the transaction; tell who has it, now and then.

    Raises PublishError, with who has it, when `patience` seconds have passed.
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
    wait: str,
    said: Said,
    sleep: Callable[[float], None] = time.sleep,
    *,
    attempts: int = _ATTEMPTS,
) -> _Result:
    """What `work` returns; where others hold a lock for longer than `wait`, it is undone and repeated after a pause.

    Raises PublishError, with who may hold it, after the last of `attempts`.
    """

    def attempt() -> _Result:
        with connection.transaction():
            connection.execute("select set_config('lock_timeout', %s, true)", [wait])
            return work()

    def heard(state: tenacity.RetryCallState) -> None:
        pause = state.next_action.sleep if state.next_action else 0.0
        error = state.outcome.exception() if state.outcome else None
        said(_reason(error), pause)

    again = tenacity.Retrying(
        retry=tenacity.retry_if_exception_type(_BLOCKED),
        stop=tenacity.stop_after_attempt(attempts),
        wait=tenacity.wait_exponential(multiplier=0.2, max=_LONGEST_PAUSE),
        sleep=sleep,
        before_sleep=heard,
        reraise=True,
    )
    try:
        return again(attempt)
    except _BLOCKED as error:
        found = f"{_reason(error)}, {attempts} times over{_holders(connection)}"
        raise PublishError("publishing to Postgres", found, f"{UNDONE}; try again when it has ended") from error


def _reason(error: BaseException | None) -> str:
    """Which relation others held, in the server's words."""
    where = error.diag.context if isinstance(error, psycopg.Error) else None
    told = error.diag.message_primary if isinstance(error, psycopg.Error) else str(error)
    return f"{told} ({where.splitlines()[0]})" if where else str(told)


def _publisher(connection: psycopg.Connection[Any]) -> str:
    """The session that has the turn; one that has just ended leaves nothing to tell."""
    found = connection.execute(sql.read("catalog", "publisher").text, {"lock": LOCK}).fetchall()
    return ", ".join(_session(*row) for row in found) or "it has just ended"


def _holders(connection: psycopg.Connection[Any]) -> str:
    """Who has been writing for longest in this database, the likeliest to hold what we waited for."""
    found = connection.execute(sql.read("catalog", "writers").text).fetchall()
    return f"; open the longest: {', '.join(_session(*row) for row in found)}" if found else ""


def _session(pid: int, application: str | None, user: str | None, since: Any) -> str:
    named = f"process {pid} of {user or 'an unknown user'}"
    named += f" ({application})" if application else ""
    return f"{named} since {since:%Y-%m-%d %H:%M:%S} UTC" if since else named
