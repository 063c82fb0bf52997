"""Publishes every summary table and materialized view to Postgres, in one transaction.

Belongs here: the order in which a refresh's results are compared, judged and written, and the record of it. Writes
only rows that differ, so triggers and `updated_at` move only where something changed, and readers see all of
the old or all of the new.

First comes all that waits for nobody: comparing, the gate, the boards in our own schema, their views. The
application's rows are locked last, all at once and in one order, only for as long as writing them takes.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import duckdb
import polars as pl
import psycopg
from psycopg import sql as pg_sql

from si_analytics.definitions import project
from si_analytics.definitions.targets import Target, boards
from si_analytics.errors import ImplausibleChangeError, PublishError
from si_analytics.postgres import locks, operational
from si_analytics.publish import (
    baseline,
    board_views,
    candidates,
    guards,
    record,
    staging,
    statements,
    transaction,
    turns,
)
from si_analytics.publish.baseline import Baseline, Live, Mark, Moment
from si_analytics.publish.record import Provenance, TargetChange
from si_analytics.publish.transaction import UNDONE
from si_analytics.settings import Settings

_PARENTS = ("users", "agent_profiles")  # like a deletion of a user: lock that row first, then the rows that refer to it
_VANISHING = 5

Connection = psycopg.Connection[Any]
_Result = TypeVar("_Result")


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
    whole: str = baseline.EVERY_ROW,
    accept_change: bool = False,
    said: locks.Said = _unheard,
    sleep: Callable[[float], None] = time.sleep,
) -> list[TargetChange]:
    """Write all targets from the warehouse's metrics, refresh the views, notify listeners; or change nothing.

    Compares all rows, for the reason `whole`; where that is empty, those that may differ since the published warehouse
    was made, if they can be told.

    Raises PublishError if Postgres refuses or others hold rows for too long, and ImplausibleChangeError if the gate
    refuses, unless `accept_change`; the previous results then stand. Calls ``said`` with whom it waits for.
    """
    with baseline.beside(warehouse, settings, whole) as since, transaction.begin(settings) as connection:
        turns.take(connection, said, sleep)
        publication = _Publication(warehouse, connection, since, settings.lock_timeout, said, sleep)
        publication.compare()
        if not accept_change:
            guards.require_plausible(connection, settings.max_losing_share)
        changes = publication.write(done)
        finished_at = record.write(connection, provenance, changes)
    return [replace(one, mark=replace(one.mark, finished_at=finished_at)) if one.mark else one for one in changes]


def preview(
    warehouse: duckdb.DuckDBPyConnection,
    settings: Settings,
    said: locks.Said = _unheard,
    sleep: Callable[[float], None] = time.sleep,
    *,
    whole: str = baseline.EVERY_ROW,
) -> Preview:
    """What `publish` would do now, row by row, and whether the gate would let it; writes nothing and locks no row.

    Apart from temporary tables the transaction only reads, so no trigger fires.
    """
    with baseline.beside(warehouse, settings, whole) as since, transaction.begin(settings) as connection:
        publication = _Publication(warehouse, connection, since, settings.lock_timeout, said, sleep)
        publication.compare()
        rows = [row for target in publication.targets for row in staging.changed_rows(connection, target)]
        try:
            guards.require_plausible(connection, settings.max_losing_share)
        except ImplausibleChangeError as error:
            return Preview(tuple(rows), error)
    return Preview(tuple(rows), None)


@dataclass(frozen=True)
class _Compared:
    """How one target was compared: for how long, why all of it, and what the next publish must know."""

    seconds: float
    reason: str
    mark: Mark


@dataclass
class _Publication:
    """One publish in progress: its connection, within the transaction, and whom to tell of waiting.

    ``since`` is the last publish, or why all is compared.
    """

    warehouse: duckdb.DuckDBPyConnection
    connection: Connection
    since: Baseline | str
    patience: float
    said: locks.Said
    sleep: Callable[[float], None]

    def __post_init__(self) -> None:
        schema = operational.of(self.connection)
        self.targets = [project().targets[name].within(schema) for name in order()]
        self._compared: dict[str, _Compared] = {}

    def compare(self) -> None:
        """Find the rows of every target that differ."""
        now = baseline.now(self.connection)
        if isinstance(self.since, Baseline):
            self.since = baseline.against(self.connection, self.since, now) or self.since

        def work() -> None:
            for target in self.targets:
                self._compared[target.name] = self._compare(target, now)

        self._patiently(work, turns.TABLE_WAIT)

    def _compare(self, target: Target, now: Moment) -> _Compared:
        started = time.perf_counter()
        live = baseline.look(self.connection, target, staging.types(self.warehouse, target))
        keys = self._candidates(target, live, now)
        staging.compare(self.warehouse, self.connection, target, None if isinstance(keys, str) else keys)
        guards.require_fitting(self.connection, target)
        mark = Mark(now, live.identity, staging.left_alone(self.connection, target))
        return _Compared(time.perf_counter() - started, keys if isinstance(keys, str) else "", mark)

    def _candidates(self, target: Target, live: Live, now: Moment) -> pl.Series | str:
        """The keys of the rows that may differ, or why all rows must be compared."""
        if isinstance(self.since, str):
            return self.since
        if told := baseline.target_against(target, live, self.since):
            return told
        return candidates.find(self.warehouse, self.connection, target, self.since, now)

    def write(self, done: Callable[[TargetChange], None] | None) -> list[TargetChange]:
        """Write the rows that differ, the boards and their views before the application's tables."""
        ours = [target for target in self.targets if target.is_board]
        theirs = [target for target in self.targets if not target.is_board]

        def boards() -> list[TargetChange]:
            changes = [self._write(target) for target in ours]
            board_views.refresh(self.connection, {change.target: change.changed for change in changes})
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
        query = pg_sql.SQL("select coalesce(max(part) + 1, 0), count(*) filter (where action <> 'skip') from {}")
        ((parts, planned),) = self.connection.execute(query.format(target.changes)).fetchall()
        written = [self._write_part(target, part) for part in range(parts)]
        inserted, updated, deleted, skipped = (sum(part[what] for part in written) for what in range(4))
        compared = self._compared[target.name]
        # A trigger may have kept a row from being written: what was planned and not done is left as well.
        left = compared.mark.unwritten + planned - inserted - updated - deleted
        seconds = compared.seconds + time.perf_counter() - started
        mark = replace(compared.mark, unwritten=left)
        return TargetChange(target.name, inserted, updated, deleted, skipped, seconds, compared.reason, mark)

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
