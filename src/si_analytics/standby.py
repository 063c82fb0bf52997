"""Where the tables are read and where results are published, if these are two: a standby, and the primary it follows.

Belongs here: seeing that both hold the same database, and asking the primary what a standby may not know yet. Reads
only. May import: `errors`, `findings`, `settings`, `sql`, `postgres`, `source`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import psycopg
from psycopg.rows import class_row

from si_analytics import postgres, source, sql
from si_analytics.errors import ServerError
from si_analytics.findings import Finding, Verdict, rounded
from si_analytics.settings import Settings
from si_analytics.source import Snapshot

_LATE = timedelta(minutes=5)


def require_target(settings: Settings, read: Snapshot) -> None:
    """See that what is computed from the snapshot `read` can be published where the settings say.

    Raises ServerError where that is a standby, or another database than the one that is read. Where a role may not ask
    a server which it is, that is taken on trust; changes are not told there either, so all rows are read.
    """
    if settings.source_url is None:
        if read.standby:
            raise postgres.standby(postgres.url(settings))
        return
    with _speaking(), postgres.connect(settings, read_only=False) as connection:
        target = _server(connection)
    _require_same(settings, read.server, target)


def published(settings: Settings, refresh_id: UUID) -> bool:
    """Whether the primary has the record of that refresh; false where whoever publishes may not ask."""
    if settings.source_url is None:
        return False
    query = "select count(*) from analytics.refreshes where refresh_id = %s"
    with _speaking(), postgres.connect(settings) as connection:
        try:
            return connection.execute(query, [refresh_id]).fetchone() == (1,)
        except (psycopg.errors.InsufficientPrivilege, psycopg.errors.UndefinedTable):
            connection.rollback()
            return False


def look(settings: Settings) -> list[Finding]:
    """How the server that is read keeps up with the one that is published to; nothing where they are one.

    Raises ServerError where either cannot be reached, the one is another database, or the other a standby.
    """
    if settings.source_url is None:
        with postgres.connect(settings) as connection:
            alone = connection.info.parameter_status("in_hot_standby") == "on"
        if alone:
            raise postgres.standby(postgres.url(settings))
        return []
    with _speaking(), postgres.connect(settings, read_only=False) as connection:
        target = _server(connection)
        query = "select pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint"
        ((written,),) = connection.execute(query).fetchall()
    with _speaking(), postgres.connect(settings, at_source=True) as connection:
        _require_same(settings, _server(connection), target)
        with connection.cursor(row_factory=class_row(_Replica)) as cursor:
            (found,) = cursor.execute(sql.read("catalog", "replica").text).fetchall()
    return [_kept_up(found, max(0, written - found.log_bytes))]


@dataclass(frozen=True)
class _Replica:
    """What a standby says of itself."""

    is_standby: bool
    log_bytes: int
    shown_at: datetime | None
    clock: datetime
    receives: bool
    feedback: str
    patience: str


def _kept_up(replica: _Replica, behind: int) -> Finding:
    """How far a standby is behind the primary, and what that means for whoever reads there."""
    if not replica.is_standby:
        return Finding(Verdict.well, "source", "the same server as results are published to")
    if not behind:
        found = "a standby that has replayed all that the primary has written"
    else:
        age = replica.clock - (replica.shown_at or replica.clock)
        found = f"a standby {behind / 1e6:,.1f} MB behind the primary, showing what was {rounded(age)} ago"
        if age > _LATE:
            remedy = "A refresh describes that moment; see that the standby replays, and is not kept from it"
            return Finding(Verdict.notable, "source", found, remedy)
    if not replica.receives:
        return Finding(Verdict.notable, "source", f"{found}; it receives nothing", "See that it reaches the primary")
    if replica.feedback != "on":
        found += f"; it ends a reading that stands in its way for {replica.patience} (hot_standby_feedback is off)"
    return Finding(Verdict.well, "source", found)


def _require_same(settings: Settings, read: str, target: str) -> None:
    if read and target and read != target:
        raise ServerError(
            f"reading at {postgres.shown(postgres.source_url(settings))}",
            f"it is neither the database that {postgres.TARGET} names nor a standby of it",
            f"Name in {postgres.SOURCE} a standby of the database that results are published to, or unset it",
        )


@contextmanager
def _speaking() -> Iterator[None]:
    """Turn what either server refuses into one sentence."""
    try:
        yield
    except psycopg.Error as error:
        found = error.diag.message_primary or " ".join(str(error).split())
        raise ServerError("asking the servers which they are", found, "Try again; si doctor may tell more") from error


def _server(connection: psycopg.Connection[tuple[object, ...]]) -> str:
    """The name of the cluster and database that a connection leads to; empty where its role may not ask."""
    row = connection.execute(sql.read("catalog", "snapshot").text).fetchone()
    if row is None or not row[3]:
        return ""
    cluster = connection.execute(sql.read("catalog", "cluster").text).fetchone()
    return source.server_name(cluster[0], row[2]) if cluster else ""
