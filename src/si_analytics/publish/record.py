"""What a publish did, in Postgres's own record of refreshes and to whoever listens.

Belongs here: the outcome of a publish as the caller gets it, ``analytics.refreshes``, and the notification.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg

from si_analytics.periods import windows
from si_analytics.publish.baseline import Mark

CHANNEL = "si_metrics"


@dataclass(frozen=True)
class TargetChange:
    """What one target's statement did: rows inserted, updated, deleted; skipped rows vanished meanwhile.

    ``reason`` says why all of its rows were compared; empty if only those that may differ were. ``mark`` is what the
    next publish must know to compare no more than that.
    """

    target: str
    inserted: int
    updated: int
    deleted: int
    skipped: int
    seconds: float
    reason: str = ""
    mark: Mark | None = field(default=None, repr=False)

    @property
    def changed(self) -> int:
        """Number of rows written."""
        return self.inserted + self.updated + self.deleted


@dataclass(frozen=True)
class Provenance:
    """The refresh that the rows come from."""

    refresh_id: UUID
    as_of: datetime
    snapshot: str
    currency: str
    started_at: datetime
    seconds: float


def write(connection: psycopg.Connection[Any], provenance: Provenance, changes: Sequence[TargetChange]) -> datetime:
    """Record the publish and tell listeners, both when it commits; return the moment that tells it from others."""
    changed = {change.target: change.changed for change in changes}
    ((finished_at,),) = connection.execute(
        "insert into analytics.refreshes"
        " (refresh_id, as_of, snapshot, currency, started_at, finished_at, seconds, who, changed)"
        " values (%s, %s, %s, %s, %s, clock_timestamp(), %s, concat(session_user, '@',"
        " coalesce(host(inet_client_addr()), 'local'), ' (', current_setting('application_name'), ')'), %s)"
        " on conflict (refresh_id) do update set finished_at = excluded.finished_at, seconds = excluded.seconds,"
        " who = excluded.who, changed = excluded.changed returning finished_at",
        [
            provenance.refresh_id,
            provenance.as_of,
            provenance.snapshot,
            provenance.currency,
            provenance.started_at,
            round(provenance.seconds, 3),
            json.dumps(changed),
        ],
    ).fetchall()
    told = {"refresh_id": str(provenance.refresh_id), "as_of": provenance.as_of.isoformat(), "changed": changed}
    connection.execute("select pg_notify(%s, %s)", [CHANNEL, json.dumps(told)])
    return windows.instant(finished_at)


def kept(refresh_id: UUID, changes: Sequence[TargetChange]) -> list[list[object]]:
    """The rows of ``meta.publications``, by which the next publish of this warehouse finds what changed since."""
    return [
        [
            *(one.target, refresh_id, one.mark.finished_at, one.mark.moment.server, one.mark.moment.snapshot),
            *(one.mark.identity, one.changed, one.mark.unwritten, one.reason),
        ]
        for one in changes
        if one.mark
    ]
