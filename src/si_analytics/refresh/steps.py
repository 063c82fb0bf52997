"""A refresh: extract, check, compute, check, publish, and replace the warehouse in one rename.

Belongs here: the order of the steps and the record of them. The command line calls `run`; Dagster
calls the same steps one by one on a `Refresh`.
"""

from __future__ import annotations

import functools
import time
import uuid
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from types import TracebackType
from typing import Protocol

import duckdb

from si_analytics import extract, publish, warehouse
from si_analytics.compute import checks, counting, currencies, facts, metrics
from si_analytics.compute.upkeep import Stored
from si_analytics.errors import UsageError, WarehouseError
from si_analytics.extract import TableExtract
from si_analytics.extract.source import Snapshot
from si_analytics.periods import windows
from si_analytics.refresh import resumption, run_log
from si_analytics.refresh.computation import Computation
from si_analytics.refresh.run_log import RefreshReport
from si_analytics.refresh.work_file import WorkingFile
from si_analytics.settings import Settings
from si_analytics.warehouse import versions

WAITING = "waiting"
"""The phase in which a refresh waits for other sessions' locks; its name says whose."""


class StepListener(Protocol):
    """Called as each step of a refresh ends, with its phase, its subject, rows and seconds.

    The phases, in order: ``extract`` a table, store a ``fact`` or dimension, ``compute`` a metric, ``check``,
    ``publish`` a target; besides them ``interrupted`` and `WAITING`.
    """

    def __call__(self, phase: str, name: str, rows: int, seconds: float) -> None: ...


def _silent(phase: str, name: str, rows: int, seconds: float) -> None:
    """For callers who do not want to hear of the steps."""


@dataclass
class Refresh:
    """One refresh, step by step: `extract`, `lay_out` each fact, `compute` each metric, `check`, `publish`, `finish`.

    Works on a file of its own; the published warehouse stays unchanged until `finish`. Use it as a context
    manager: leaving it without `finish` drops the working file. ``as_of`` None means the moment of the extraction
    snapshot; a past one gives old times with today's statuses. ``full`` reads every row anew; otherwise the refresh
    reads what changed into the file of an earlier one. ``resumed`` continues the last refresh instead of extracting:
    see `resume`. ``sleep`` waits before another attempt to read. ``accept_change`` publishes even a change that the
    gate would refuse.
    """

    settings: Settings
    as_of: datetime | None = None
    weights: Mapping[str, Decimal] | None = None
    listen: StepListener = _silent
    refresh_id: uuid.UUID = field(default_factory=uuid.uuid4)
    full: bool = False
    resumed: bool = False
    sleep: Callable[[float], None] = time.sleep
    accept_change: bool = False

    @classmethod
    def resume(cls, settings: Settings, listen: StepListener = _silent, *, accept_change: bool = False) -> Refresh:
        """The published warehouse's last refresh, continued on a copy of its tables.

        Everything computed or published now uses that refresh's rows, as_of, currency, time zone and weights, whatever
        the settings say: a warehouse describes one moment. Raises WarehouseError on entering if there is no
        warehouse yet.
        """
        return cls(settings, listen=listen, resumed=True, accept_change=accept_change)

    def __post_init__(self) -> None:
        if self.as_of is not None:
            self.as_of = windows.instant(self.as_of, name="as_of")
        self.weights = metrics.check_weights(self.weights or metrics.DEFAULT_WEIGHTS)
        metrics.names()  # reports an unusable file before anything is read
        self._stack = ExitStack()
        self._started = time.perf_counter()
        self._file = WorkingFile(self.settings, self._interrupted, self._waiting, self.sleep)
        self._snapshot: Snapshot | None = None
        self._last: resumption.Last | None = None
        self._before: counting.Counted | None = None
        self._extracts: list[TableExtract] = []
        self._facts: dict[str, int] = {}
        self._metrics: dict[str, int] = {}
        self._checks: dict[str, checks.CheckResult] = {}
        self._targets: list[publish.TargetChange] = []

    def __enter__(self) -> Refresh:
        self._stack.enter_context(warehouse.writer_lock(self.settings))
        try:
            self._stack.callback(self._file.close)
            self._begin()
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()
        if isinstance(error, duckdb.Error) and warehouse.could_not_write(error):
            raise warehouse.unwritable(warehouse.working_path(self.settings), error, self._stands()) from error

    @property
    def connection(self) -> duckdb.DuckDBPyConnection:
        """The working file, open for writing."""
        return self._file.connection

    @property
    def snapshot(self) -> Snapshot:
        """The moment of the extraction."""
        if self._snapshot is None:
            raise UsageError("a step of a refresh", "nothing was extracted yet", "Call extract() first")
        return self._snapshot

    @property
    def parameters(self) -> metrics.Parameters:
        """The parameters every metric of this refresh is computed with."""
        as_of = self.as_of or self.snapshot.taken_at
        return metrics.Parameters.all_time(as_of, self.settings.currency, self.settings.timezone, self.weights)

    @property
    def moved(self) -> tuple[str, ...]:
        """Why numbers moved although no row did: how this refresh counts differently from the published one."""
        asked = self.parameters
        return counting.changes(self._before, counting.Counted(asked.currency, asked.tz, asked.weights))

    @property
    def stored(self) -> Mapping[str, Stored]:
        """What became of each fact, dimension and metric that was brought up so far, by its name with its schema."""
        return self._computation.stored

    def extract(self) -> list[TableExtract]:
        """Bring every table to one new snapshot. Retries interrupted reads, with growing pauses.

        Raises SettingsError if money was recorded, but none of it in the reporting currency.
        """
        if self.resumed:
            raise UsageError("extracting", "this refresh was taken up again", "Begin a new one to read Postgres")

        def heard(result: TableExtract) -> None:
            self.listen("extract", result.table, result.rows, result.seconds)

        self._snapshot, self._extracts = self._file.read(heard)
        currencies.require_setting(self.settings.currency, currencies.held(self.connection))
        return self._extracts

    def lay_out(self, table: str) -> int:
        """Store one fact or dimension unless it is stored already; return its number of rows."""
        if table not in self._facts:
            started = time.perf_counter()
            self._facts[table] = self._computation.lay_out(table).rows
            self.listen("fact", table, self._facts[table], time.perf_counter() - started)
        return self._facts[table]

    @functools.cached_property
    def _computation(self) -> Computation:
        return Computation(self.connection, self.parameters, self._file.of)

    def compute(self, name: str) -> int:
        """Compute one metric into ``metrics.<name>``; return its number of rows."""
        for table in metrics.inputs(name):
            if facts.is_one(table):
                self.lay_out(table)
        started = time.perf_counter()
        self._metrics[name] = rows = self._computation.compute(name).rows
        self.listen("compute", name, rows, time.perf_counter() - started)
        return rows

    def check(self, name: str) -> checks.CheckResult:
        """Run one check once; a second call returns the same result."""
        if not self._is_checked(name):
            self._heard(checks.run(self.connection, name, self.parameters.bound()))
        return self._checks[name]

    def _is_checked(self, name: str) -> bool:
        """Whether a check was run, or what it found before stands."""
        if name not in self._checks and (standing := self._computation.standing(name)) is not None:
            self._heard(standing)
        return name in self._checks

    def complete(self) -> None:
        """Run the remaining checks and compute the remaining metrics; checks of raw rows alone run meanwhile.

        Raises CheckFailedError if a blocking check found rows, even if a metric failed on them first.
        """
        meanwhile = [name for name in checks.names() if checks.reads_only_raw(name) and not self._is_checked(name)]
        if self.settings.memory_limit:
            # Parallel work needs its memory at the same time; under a limit, run one after the other.
            checks.require_passed([self.check(name) for name in meanwhile])
            meanwhile = []
        with checks.Beside(self.connection, meanwhile, self.parameters.bound(), self._heard) as beside:
            try:
                self._compute_all(beside)
            except duckdb.Error:
                beside.require_passed(every=True)
                raise
            beside.require_passed(every=True)
        checks.require_passed([self.check(name) for name in checks.names()])

    def _compute_all(self, beside: checks.Beside) -> None:
        for table in facts.names():
            self.lay_out(table)
            beside.require_passed()
        for name in metrics.names():
            if name not in self._metrics:
                self.compute(name)
                beside.require_passed()

    def _heard(self, result: checks.CheckResult) -> None:
        self._checks[result.name] = self._computation.told(result)
        self.listen("check", result.name, result.rows, result.seconds)

    def preview(self) -> publish.Preview:
        """Complete the refresh and return what `publish` would write; writes nothing."""
        self.complete()
        found = publish.preview(self.connection, self.settings, self._waiting, self.sleep, whole=self._whole)
        return replace(found, moved=self.moved)

    def publish(self) -> list[publish.TargetChange]:
        """Complete the refresh, then write the results to Postgres in one transaction."""
        self.complete()
        # Flush first: a full disk must fail before Postgres is written.
        self.connection.execute("checkpoint")
        provenance = publish.Provenance(
            self.refresh_id,
            self.parameters.window.as_of,
            self.snapshot.id,
            self.settings.currency,
            self.snapshot.taken_at,
            time.perf_counter() - self._started,
        )

        def heard(change: publish.TargetChange) -> None:
            self.listen("publish", change.target, change.changed, change.seconds)

        self._targets = publish.publish(
            self.connection,
            self.settings,
            provenance,
            heard,
            whole=self._whole,
            accept_change=self.accept_change,
            said=self._waiting,
            sleep=self.sleep,
        )
        return self._targets

    @property
    def _whole(self) -> str:
        """Why every target is compared as a whole; empty if only what may differ has to be."""
        return publish.EVERY_ROW if self.full else ""

    def _stands(self) -> str:
        """What to tell the reader of a failure: which results stand where."""
        if self._targets and not self.resumed:
            return "Postgres has the new results, the warehouse those before: make room, then run si refresh"
        return "Check the folder and disk; nothing was published, the previous results stand"

    def _waiting(self, words: str, seconds: float) -> None:
        self.listen(WAITING, words, 0, seconds)

    def finish(self) -> RefreshReport:
        """Complete and record the refresh, then replace the published file with its own."""
        self.complete()
        report = RefreshReport(
            self.refresh_id,
            self.parameters.window.as_of,
            self.snapshot.id,
            tuple(self._extracts),
            dict(self._metrics),
            tuple(self._checks.values()),
            tuple(self._targets),
            time.perf_counter() - self._started,
            moved=self.moved,
            facts=dict(self._facts),
            stored=tuple(self.stored.values()),
            file=self._file.made,
        )
        self._record(report)
        self.connection.execute("checkpoint")
        self._file.release()
        warnings = versions.publish_working(self.settings, with_spare=not self._file.needs_no_spare)
        # Only now: until the file is replaced, a refresh that dies needs the same changes again.
        stays = extract.advance(self.settings, self.snapshot.log) if self.snapshot.log else None
        return replace(report, warnings=(*warnings, stays) if stays else warnings)

    def _begin(self) -> None:
        """Open the working file: one that the changes can be read into if there is any, else an empty one."""
        self._before = counting.published(self.settings)
        if self.resumed:
            self._take_up()
        elif self.full:
            self._file.open_empty()
        else:
            self._file.open_for_changes()

    def _interrupted(self, attempt: int, waiting: float) -> None:
        self.listen("interrupted", "trying again", attempt, waiting)

    def _take_up(self) -> None:
        """Continue where the last refresh ended."""
        asked = f"taking up the warehouse {self.settings.warehouse}"
        if not self._file.open_copy():
            raise WarehouseError(asked, "there is none yet", "Fill it first: si refresh")
        if not run_log.of_this_version(self.connection):
            raise WarehouseError(asked, "it was made by another version", "Fill it first: si refresh")
        self._last = last = resumption.take_up(self.connection, self.settings)
        self.settings = self.settings.model_copy(update={"currency": last.currency, "timezone": last.timezone})
        self.refresh_id, self.as_of, self.weights = last.refresh_id, last.as_of, last.weights
        self._snapshot, self._extracts, self._metrics = last.snapshot, list(last.extracts), dict(last.metrics)
        stored = facts.stored(self.connection, last.as_of)
        self._facts = {table: facts.count(self.connection, table) for table in stored}

    def _record(self, report: RefreshReport) -> None:
        """Record the refresh; a resumed one keeps a single record, with what it once published."""
        if self._last:
            resumption.forget_record(self.connection, self._last)
        run_log.write(self.connection, self.settings, report, self.snapshot)
        if self._last and not self._targets:
            resumption.keep_publication(self.connection, self._last)


def run(
    settings: Settings,
    *,
    as_of: datetime | None = None,
    weights: Mapping[str, Decimal] | None = None,
    full: bool = False,
    accept_change: bool = False,
    listen: StepListener = _silent,
) -> RefreshReport:
    """A whole refresh: extract, compute every metric, check, publish, replace the warehouse.

    Reads what changed since the last refresh; reads everything with `full`, or if changes cannot be told. Publishes a
    change that takes everything from many agents only with `accept_change`.

    Raises what the steps raise; then nothing was published and the previous warehouse stands.
    """
    with Refresh(settings, as_of, weights, listen, full=full, accept_change=accept_change) as refresh:
        refresh.extract()
        refresh.publish()
        return refresh.finish()


def preview(
    settings: Settings,
    *,
    as_of: datetime | None = None,
    weights: Mapping[str, Decimal] | None = None,
    full: bool = False,
    listen: StepListener = _silent,
) -> tuple[datetime, publish.Preview]:
    """What `run` would write to Postgres, and as of when. Computes and checks everything, writes nothing.

    Raises what the steps before publishing raise. The published warehouse stays as it is.
    """
    with Refresh(settings, as_of, weights, listen, full=full) as refresh:
        refresh.extract()
        return refresh.parameters.window.as_of, refresh.preview()
