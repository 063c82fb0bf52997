"""Waiting for locks of other sessions, and naming who holds them in the same words everywhere.

Belongs here: waiting with pauses in which we hold nothing, and naming sessions, never what they run.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import psycopg
import tenacity

from si_analytics.definitions import project
from si_analytics.errors import LockedError, ServerError
from si_analytics.postgres import connection as postgres
from si_analytics.settings import Settings

SETTING = "SI_LOCK_TIMEOUT"
READERS_WAIT_FOR = ("AccessExclusiveLock",)
"""The locks that block a reader: of `alter table`, `truncate`, `vacuum full`, held or still waited for."""
WRITERS_WAIT_FOR = (
    *("RowShareLock", "RowExclusiveLock", "ShareUpdateExclusiveLock", "ShareLock", "ShareRowExclusiveLock"),
    *("ExclusiveLock", "AccessExclusiveLock"),
)
BUILDERS_WAIT_FOR = ("AccessShareLock", *WRITERS_WAIT_FOR)
WAIT_LONGER = f"try again when that session is done, or wait longer with {SETTING}"
_AT_ONCE = 5.0
_LONGEST_PAUSE = 10.0

Said = Callable[[str, float], None]
"""Receives the sessions we wait for, and for how many seconds."""

Connection = psycopg.Connection[Any]
_Result = TypeVar("_Result")


def at_once(settings: Settings) -> float:
    """Returns how many seconds one attempt to read waits for a lock with its snapshot open, before it starts anew."""
    return min(_AT_ONCE, float(settings.lock_timeout))


def patiently(
    work: Callable[[], _Result],
    blocked: type[BaseException] | tuple[type[BaseException], ...],
    *,
    wait: float,
    patience: float,
    said: Callable[[BaseException, float], None],
    sleep: Callable[[float], None],
) -> _Result:
    """Returns what `work` returns; repeats it after a pause if it raises `blocked`, which takes it `wait` seconds.

    Raises the last error once attempts and pauses add up to `patience` seconds. Calls ``said`` before each pause.
    """

    def over(state: tenacity.RetryCallState) -> bool:
        return state.idle_for + state.attempt_number * wait >= patience

    def heard(state: tenacity.RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        if error is not None:
            said(error, state.next_action.sleep if state.next_action else 0.0)

    again = tenacity.Retrying(
        retry=tenacity.retry_if_exception_type(blocked),
        stop=over,
        wait=tenacity.wait_exponential(multiplier=0.2, max=_LONGEST_PAUSE),
        sleep=sleep,
        before_sleep=heard,
        reraise=True,
    )
    return again(work)


def limit(connection: Connection, seconds: int) -> None:
    """Limits, within a transaction, how long to wait for the locks of others."""
    connection.execute("select set_config('lock_timeout', %s, true)", [f"{seconds}s"])


def kept_waiting(connection: Connection, seconds: int, lock: int | None = None) -> str:
    """Returns what was found when `limit` was reached: who holds `lock`, else who holds tables. Rolls back first."""
    if connection.info.transaction_status == psycopg.pq.TransactionStatus.INERROR:
        connection.rollback()
    who = turn_holder(connection, lock) if lock is not None else ""
    who = who or holders(connection, BUILDERS_WAIT_FOR)
    return f"another session has kept it waiting for {seconds} s{who and f': {who}'}"


def unreadable(settings: Settings, tables: Sequence[str]) -> LockedError:
    """Returns the error for a read that waited for a lock."""
    try:
        who = readers_wait_for(settings, tables) or readers_wait_for(settings) or "it has just ended"
    except (ServerError, psycopg.Error) as error:
        who = f"who that is cannot be asked, {type(error).__name__}"
    return LockedError(
        "reading from Postgres",
        f"another session holds a table that is read: {who}",
        f"Nothing was published; {WAIT_LONGER}",
    )


def readers_wait_for(settings: Settings, tables: Sequence[str] | None = None) -> str:
    """Returns the sessions that block readers of these tables, or of any table; empty if there are none."""
    with postgres.connect(settings, at_source=True) as connection:
        return holders(connection, READERS_WAIT_FOR, tables)


def given_up(error: LockedError, settings: Settings) -> LockedError:
    """Returns `error` with the time it waited."""
    return LockedError(error.asked, f"after {settings.lock_timeout} s of waiting {error.found}", error.remedy)


def holders(connection: Connection, modes: Sequence[str], tables: Sequence[str] | None = None) -> str:
    """Returns the sessions with such locks whose transactions have been open longest; empty if there are none."""
    asked = {"modes": list(modes), "tables": None if tables is None else list(tables)}
    found = connection.execute(project().postgres.lock_holders.text, asked).fetchall()
    return ", ".join(_session(*row) for row in found)


def turn_holder(connection: Connection, lock: int) -> str:
    """Returns the session that holds an advisory lock; empty if it has just ended."""
    found = connection.execute(project().postgres.publisher.text, {"lock": lock}).fetchall()
    return ", ".join(_session(*row) for row in found)


def _session(pid: int, application: str | None, user: str | None, since: Any) -> str:
    named = f"process {pid} of {user or 'an unknown user'}"
    named += f" ({application})" if application else ""
    return f"{named} since {since:%Y-%m-%d %H:%M:%S} UTC" if since else named
