"""How far the server we read lags behind the server we publish to.

Belongs here: the finding of `si doctor` on a standby. Reads only.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from psycopg.rows import class_row

from si_analytics import postgres
from si_analytics.definitions import project
from si_analytics.extract import standby
from si_analytics.health.findings import Finding, Verdict, rounded
from si_analytics.settings import Settings

_LATE = timedelta(minutes=5)


def look(settings: Settings) -> list[Finding]:
    """How far the server we read lags behind the one we publish to; empty if they are one server.

    Raises ServerError if either cannot be reached, if they hold different databases, or if we publish to a standby.
    """
    if settings.source_url is None:
        with postgres.connect(settings) as connection:
            alone = connection.info.parameter_status("in_hot_standby") == "on"
        if alone:
            raise postgres.standby(postgres.url(settings))
        return []
    with standby.speaking(), postgres.connect(settings, read_only=False) as connection:
        target = standby.server(connection)
        query = "select pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint"
        ((written,),) = connection.execute(query).fetchall()
    with standby.speaking(), postgres.connect(settings, at_source=True) as connection:
        standby.require_same(settings, standby.server(connection), target)
        with connection.cursor(row_factory=class_row(_Replica)) as cursor:
            (found,) = cursor.execute(project().postgres.replica.text).fetchall()
    return [_kept_up(found, max(0, written - found.log_bytes))]


@dataclass(frozen=True)
class _Replica:
    """What a standby reports about itself."""

    is_standby: bool
    log_bytes: int
    shown_at: datetime | None
    clock: datetime
    receives: bool
    feedback: str
    patience: str


def _kept_up(replica: _Replica, behind: int) -> Finding:
    """How far a standby is behind the primary, and what that means for its readers."""
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
