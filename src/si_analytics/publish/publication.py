"""Publishes every summary table and materialized view to Postgres, in one transaction.

Belongs here: the order in which a refresh's results are compared, judged and written, and the record of it. Writes
only rows that differ, so triggers and `updated_at` move only where something changed, and readers see all of
the old or all of the new.

First comes all that waits for nobody: comparing, the gate, the boards in our own schema, their views. The
application's rows are locked last, all at once and in one order, only for as long as writing them takes.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

import duckdb
import psycopg
from psycopg import sql as pg_sql

from si_analytics.definitions import project
from si_analytics.definitions.targets import Target, boards
from si_analytics.errors import ImplausibleChangeError, PublishError
from si_analytics.postgres import locks, operational
from si_analytics.publish import guards, staging, statements, transaction, turns
from si_analytics.publish.transaction import UNDONE
from si_analytics.schema import stale_views
from si_analytics.settings import Settings

CHANNEL = "si_metrics"
_PARENTS = ("users", "agent_profiles")  # like a deletion of a user: lock that row first, then the rows that refer to it
_VANISHING = 5

Connection = psycopg.Connection[Any]
_Result = TypeVar("_Result")


@dataclass(frozen=True)
class TargetChange:
    """What one target's statement did: rows inserted, updated, deleted; skipped rows vanished meanwhile."""

    target: str
    inserted: int
    updated: int
    deleted: int
    skipped: int
    seconds: float

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


@dataclass(frozen=True)
class Preview:
    """What publishing would change: each row, and the gate's objection, or None if it has none.

    ``moved`` says why numbers move although no row does.
    """

    rows: tuple[staging.RowChange, ...]
    refused: ImplausibleChangeError | None
    moved: tuple[str, ...] = ()

    @property
    def counts(self) -> dict[str, dict[str, int]]:
        """How many rows of each target would be inserted, updated and deleted."""
        counts = {name: {"insert": 0, "update": 0, "delete": 0} for name in targets()}
        for row in self.rows:
            counts[row.target][row.action] += 1
        return counts


def targets() -> tuple[str, ...]:
    """Every published target, by name."""
    return tuple(project().targets)


def views() -> tuple[str, ...]:
    """The materialized views that show the boards, by name."""
    return tuple(target.name for target in boards(project().targets.values()))


def order() -> tuple[str, ...]:
    """Every target, in the order of writing: our own first, then the application's, parents before children."""
    return tuple(sorted(targets(), key=_rank))


def _rank(name: str) -> tuple[bool, int, str]:
    parent = _PARENTS.index(name) if name in _PARENTS else len(_PARENTS)
    return not project().targets[name].is_board, parent, name


def _unheard(words: str, seconds: float) -> None:
    """For callers who do not want to hear whom a publish waits for."""


def publish(
    warehouse: duckdb.DuckDBPyConnection,
    settings: Settings,
    provenance: Provenance,
    done: Callable[[TargetChange], None] | None = None,
    *,
    accept_change: bool = False,
    said: locks.Said = _unheard,
    sleep: Callable[[float], None] = time.sleep,
) -> list[TargetChange]:
    """Write all targets from the warehouse's metrics, refresh the views, notify listeners; or change nothing.

    Raises PublishError if Postgres refuses or others hold rows for too long, and ImplausibleChangeError if the gate
    refuses, unless `accept_change`; the previous results then stand. Calls ``said`` with whom it waits for.
    """
    with transaction.begin(settings) as connection:
        turns.take(connection, said, sleep)
        publication = _Publication(warehouse, connection, settings.lock_timeout, said, sleep)
        publication.compare()
        if not accept_change:
            guards.require_plausible(connection, settings.max_losing_share)
        changes = publication.write(done)
        _record(connection, provenance, changes)
    return changes


def preview(
    warehouse: duckdb.DuckDBPyConnection,
    settings: Settings,
    said: locks.Said = _unheard,
    sleep: Callable[[float], None] = time.sleep,
) -> Preview:
    """What `publish` would do now, row by row, and whether the gate would let it; writes nothing and locks no row.

    Apart from temporary tables the transaction only reads, so no trigger fires.
    """
    with transaction.begin(settings) as connection:
        publication = _Publication(warehouse, connection, settings.lock_timeout, said, sleep)
        publication.compare()
        rows = [row for target in publication.targets for row in staging.changed_rows(connection, target)]
        try:
            guards.require_plausible(connection, settings.max_losing_share)
        except ImplausibleChangeError as error:
            return Preview(tuple(rows), error)
    return Preview(tuple(rows), None)


@dataclass
class _Publication:
    """One publish in progress: its connection, within the transaction, and whom to tell of waiting."""

    warehouse: duckdb.DuckDBPyConnection
    connection: Connection
    patience: float
    said: locks.Said
    sleep: Callable[[float], None]

    def __post_init__(self) -> None:
        schema = operational.of(self.connection)
        self.targets = [project().targets[name].within(schema) for name in order()]
        self._seconds = dict.fromkeys(order(), 0.0)

    def compare(self) -> None:
        """Find the rows of every target that differ."""

        def work() -> None:
            for target in self.targets:
                started = time.perf_counter()
                staging.compare(self.warehouse, self.connection, target)
                guards.require_fitting(self.connection, target)
                self._seconds[target.name] = time.perf_counter() - started

        self._patiently(work, turns.TABLE_WAIT)

    def write(self, done: Callable[[TargetChange], None] | None) -> list[TargetChange]:
        """Write the rows that differ, the boards and their views before the application's tables."""
        ours = [target for target in self.targets if target.is_board]
        theirs = [target for target in self.targets if not target.is_board]

        def boards() -> list[TargetChange]:
            changes = [self._write(target) for target in ours]
            _refresh_views(self.connection, {change.target: change.changed for change in changes})
            return changes

        def tables() -> list[TargetChange]:
            for target in theirs:
                self._hold(target)
            return [self._write(target) for target in theirs]

        changes = []
        for work, wait in ((boards, turns.TABLE_WAIT), (tables, turns.ROW_WAIT)):
            for change in self._patiently(work, wait):
                changes.append(change)
                if done:
                    done(change)
        return changes

    def _patiently(self, work: Callable[[], _Result], wait: float) -> _Result:
        return turns.patiently(self.connection, work, self.said, self.sleep, wait=wait, patience=self.patience)

    def _hold(self, target: Target) -> None:
        """Lock the rows to change, in the order of their key; others may still refer to them."""
        self.connection.execute(
            pg_sql.SQL(
                "select count(*) from (select 1 from {table} as target inner join {changes} as changes using ({key})"
                " where changes.action in ('update', 'delete') order by {key} for no key update of target) as held"
            ).format(table=target.relation, changes=target.changes, key=target.keys)
        )

    def _write(self, target: Target) -> TargetChange:
        """Write one target's changes, part by part."""
        started = time.perf_counter()
        query = pg_sql.SQL("select coalesce(max(part) + 1, 0) from {}").format(target.changes)
        ((parts,),) = self.connection.execute(query).fetchall()
        written = [self._write_part(target, part) for part in range(parts)]
        inserted, updated, deleted, skipped = (sum(part[what] for part in written) for what in range(4))
        seconds = self._seconds[target.name] + time.perf_counter() - started
        return TargetChange(target.name, inserted, updated, deleted, skipped, seconds)

    def _write_part(self, target: Target, part: int) -> tuple[int, int, int, int]:
        """Rows inserted, updated, deleted, skipped. A row's owner may be deleted while it is written."""
        for _ in range(_VANISHING):
            with contextlib.suppress(psycopg.errors.ForeignKeyViolation), self.connection.transaction():
                ((inserted, updated, deleted, skipped),) = self.connection.execute(
                    pg_sql.SQL(statements.write(target)), {"part": part}
                ).fetchall()
                return inserted, updated, deleted, skipped
        raise PublishError(
            f"publishing {target.name}", "rows are deleted faster than they can be told apart", f"{UNDONE}; try again"
        )


def _refresh_views(connection: Connection, changed: Mapping[str, int]) -> None:
    """Refresh the views whose rows changed, while readers go on; for views not ours, call their owner's function."""
    for one in stale_views.find(connection, views()):
        raise PublishError("refreshing the published views", str(one), f"{UNDONE}. Make it anew: {one.remedy}")
    for name in views():
        ((populated, owned, lent),) = connection.execute(
            project().postgres.view_state.text, {"view": name, "schema": operational.SCHEMA}
        ).fetchall() or [(None, None, None)]
        if populated is None:
            raise PublishError(f"refreshing public.{name}", "there is no such view", f"{UNDONE}. Run: si schema apply")
        if populated and not changed[name]:
            continue
        if owned:
            how = pg_sql.SQL("concurrently" if populated else "")
            view = pg_sql.Identifier(operational.SCHEMA, name)
            connection.execute(pg_sql.SQL("refresh materialized view {} {}").format(how, view))
        elif lent:
            connection.execute("select analytics.refresh_view(%s)", [name])
        else:
            raise PublishError(
                f"refreshing public.{name}",
                "only its owner may",
                f"{UNDONE}. Connect as the owner, or as a member of si_publisher: si schema roles",
            )


def _record(connection: Connection, provenance: Provenance, changes: list[TargetChange]) -> None:
    changed = {change.target: change.changed for change in changes}
    connection.execute(
        "insert into analytics.refreshes"
        " (refresh_id, as_of, snapshot, currency, started_at, finished_at, seconds, who, changed)"
        " values (%s, %s, %s, %s, %s, clock_timestamp(), %s, concat(session_user, '@',"
        " coalesce(host(inet_client_addr()), 'local'), ' (', current_setting('application_name'), ')'), %s)"
        " on conflict (refresh_id) do update set finished_at = excluded.finished_at, seconds = excluded.seconds,"
        " who = excluded.who, changed = excluded.changed",
        [
            provenance.refresh_id,
            provenance.as_of,
            provenance.snapshot,
            provenance.currency,
            provenance.started_at,
            round(provenance.seconds, 3),
            json.dumps(changed),
        ],
    )
    told = {"refresh_id": str(provenance.refresh_id), "as_of": provenance.as_of.isoformat(), "changed": changed}
    connection.execute("select pg_notify(%s, %s)", [CHANNEL, json.dumps(told)])
