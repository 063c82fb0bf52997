"""What a failed read means, in one sentence.

Belongs here: telling from the words of DuckDB and Postgres what happened and what to do.
"""

from __future__ import annotations

import duckdb

from si_analytics.errors import ExtractError, InterruptedReadError

_BROKEN = (
    *("server closed the connection", "terminating connection", "Failed to connect", "no connection to the server"),
    *("could not receive data from server", "could not send data to server", "SSL connection has been closed"),
    *("SSL SYSCALL error", "SSL error", "Unable to connect to Postgres"),
)
_LOCKED = "due to lock timeout"
_ADVICE = {
    "statement timeout": "Give this role more time: alter role ... set statement_timeout = 0",
    "lock timeout": "Give this role more time: alter role ... set lock_timeout = 0",
    "permission denied": "What this user may not do: si doctor",
    "row-level security": "What this user may not see: si doctor",
}
_CONFLICT = "conflict with recovery"


def of_lock(error: duckdb.Error) -> bool:
    """Whether another session's lock was waited for too long."""
    return _LOCKED in str(error)


def readable(error: duckdb.Error, *, follows: bool) -> Exception:
    """Turns an error of Postgres into one sentence; `follows` says whether it comes from a standby."""
    text = " ".join(str(error).split())
    broken = any(sign in text for sign in _BROKEN)
    if _CONFLICT in text or (broken and follows):
        # Between two statements, DuckDB does not pass on why the standby closed the session.
        said = "the standby ended it, for it stood in the way of replaying what the primary has written since"
        told = said if _CONFLICT in text else "the connection was lost, as it is where a standby has to go on replaying"
        remedy = "Nothing was published; try again, or set hot_standby_feedback = on on the standby"
        return InterruptedReadError("reading from Postgres", told, f"{remedy}, or a longer max_standby_streaming_delay")
    if broken:
        # DuckDB does not pass on why the server closed an idle session.
        return InterruptedReadError(
            "reading from Postgres",
            "the connection was lost",
            "Nothing was published; try again. Whether this role has a time limit: si doctor",
        )
    told = text.rpartition("ERROR: ")[-1][:300]  # DuckDB repeats the whole statement before Postgres's message
    for sign, remedy in _ADVICE.items():
        if sign in text:
            return ExtractError("reading from Postgres", told, f"Nothing was published. {remedy}")
    return ExtractError("reading from Postgres", told, "Nothing was published; `si schema diff` may tell more")
