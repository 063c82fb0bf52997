"""The one transaction that writes results to Postgres: all or nothing, and in the end it is known which.

Belongs here: beginning and ending it, reporting what Postgres refused, and asking whether it was committed if the
answer to the commit was lost.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Mapping
from typing import Any

import psycopg

from si_analytics import postgres
from si_analytics.errors import PublishError, ServerError
from si_analytics.settings import Settings

UNDONE = "Nothing was written, the previous results stand"
_STILL_COMMITTING = 10.0  # seconds that a commit whose answer was lost may still take
_ADVICE: Mapping[type[psycopg.Error], str] = {
    psycopg.errors.InsufficientPrivilege: ". What this user may not do: si doctor",
    psycopg.errors.ReadOnlySqlTransaction: ". Connect to the primary, as a role that is not set to read only",
}


@contextlib.contextmanager
def begin(settings: Settings) -> Iterator[psycopg.Connection[Any]]:
    """Yields the transaction; commits it if the block ends well. Raises PublishError if Postgres refuses."""
    number: str | None = None
    try:
        with postgres.connect(settings, read_only=False) as connection:
            connection.isolation_level = psycopg.IsolationLevel.READ_COMMITTED
            connection.execute("set local search_path = pg_catalog, pg_temp")
            yield connection
            row = connection.execute("select pg_current_xact_id_if_assigned()::text").fetchone()
            number = row[0] if row else None
    except psycopg.Error as error:
        if number and _committed(settings, number):
            return
        reason = error.diag.message_primary or " ".join(str(error).split())
        raise PublishError("publishing to Postgres", reason, _remedy(error, settings.source_schema)) from error


def _committed(settings: Settings, number: str) -> bool:
    """Whether the transaction with that number was committed, when the answer was lost."""
    status: object = None
    try:
        with postgres.connect(settings) as connection:
            deadline = time.monotonic() + _STILL_COMMITTING
            while status in (None, ("in progress",)) and time.monotonic() < deadline:
                status = connection.execute("select pg_xact_status(%s::xid8)", [number]).fetchone()
                time.sleep(0 if status != ("in progress",) else 0.1)
    except (ServerError, psycopg.Error) as error:
        raise _unknown() from error
    if status == ("in progress",):
        raise _unknown()
    return status == ("committed",)


def _unknown() -> PublishError:
    found = "the connection was lost while the results were committed, and Postgres cannot be asked whether they were"
    return PublishError("publishing to Postgres", found, "All of them were or none; run it again: si refresh")


def _remedy(error: psycopg.Error, schema: str) -> str:
    """What to do. A trigger of the application that names a table without its schema does not find it here."""
    if isinstance(
        error, psycopg.errors.UndefinedTable | psycopg.errors.UndefinedColumn | psycopg.errors.UndefinedFunction
    ):
        if "PL/pgSQL" in (error.diag.context or "") or "SQL function" in (error.diag.context or ""):
            return f"{UNDONE}. A trigger names it without its schema: alter function ... set search_path = {schema}"
        return f"{UNDONE}. Build what is missing: si schema apply"
    limit = postgres.time_limit(error)
    if limit:
        return f"{UNDONE}. {limit}"
    advice = (remedy for kind, remedy in _ADVICE.items() if isinstance(error, kind))
    return f"{UNDONE}{next(advice, '')}"
