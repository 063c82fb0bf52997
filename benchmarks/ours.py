"""The library's own side: extracting one table, and whole refreshes.

Belongs here: calling the library as its users do, one function per piece of work.
"""

from __future__ import annotations

import json
import uuid
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from pathlib import Path
from unittest import mock

import duckdb

from benchmarks.limit import TABLE
from benchmarks.tasks import Task, Work
from si_analytics import extract, publish, refresh, warehouse
from si_analytics.extract import reconciliation
from si_analytics.extract.incremental import Baseline
from si_analytics.extract.source import ReadTable, Snapshot
from si_analytics.settings import Settings


def full_extraction(task: Task) -> Work:
    """Every row of the table into an empty warehouse file, reconciled; it is what changes are then read against."""
    settings = _of_one_table(task)
    return Work(lambda: _extract(settings, None), lambda: warehouse.publish_working(settings))


def incremental_extraction(task: Task) -> Work:
    """What changed since the extraction before, into a copy of its file, reconciled."""
    settings = _of_one_table(task)
    baseline = _baseline(settings)
    return Work(lambda: _extract(settings, baseline), lambda: warehouse.publish_working(settings))


def full_refresh(task: Task) -> Work:
    """A whole refresh that reads everything: extract, compute, check, publish."""
    return _refresh(task, full=True)


def incremental_refresh(task: Task) -> Work:
    """A whole refresh that reads what changed since the one before."""
    return _refresh(task, full=False)


def unchanged_refresh(task: Task) -> Work:
    """A whole refresh a minute on from the one before, with nothing changed."""

    def run() -> int:
        with duckdb.connect(str(task.settings.warehouse), read_only=True) as last:
            last.execute("set TimeZone = 'UTC'")
            ((before,),) = last.sql("select as_of from meta.refreshes order by number desc limit 1").fetchall()
        report = refresh.run(task.settings, as_of=before + timedelta(minutes=1))
        return sum(report.metrics.values())

    return Work(run)


def full_reading(task: Task) -> Work:
    """The full extraction without its reconciliation: what COPY and the other tools do."""
    return _without_reconciling(full_extraction(task))


def incremental_reading(task: Task) -> Work:
    """The incremental extraction without its reconciliation."""
    return _without_reconciling(incremental_extraction(task))


def extract_and_compute(task: Task) -> Work:
    """A full extraction of every table, every check and every metric, within the memory limit; nothing is published."""

    def run() -> int:
        with refresh.Refresh(task.settings, task.moment, full=True) as one:
            rows = sum(table.rows for table in one.extract())
            one.complete()
        return rows

    return Work(run)


def publication(task: Task) -> Work:
    """Publishing by itself: what the last refresh computed is held against Postgres, and what differs is written."""
    provenance = publish.Provenance(uuid.uuid4(), task.moment, "1:1:", "usd", task.moment, 0.0)

    def run() -> int:
        with warehouse.open_file(task.settings.warehouse, task.settings, read_only=True) as opened:
            # What differs here was made to: the gate is for what nobody expected.
            changes = publish.publish(opened, task.settings, provenance, accept_change=True)
        return sum(change.changed for change in changes)

    return Work(run)


def _without_reconciling(work: Work) -> Work:
    """The same work, but that what arrived is counted and not compared; the library itself always compares."""

    def counted(connection: duckdb.DuckDBPyConnection, one: ReadTable, there: object = None) -> reconciliation.Totals:
        (rows,) = connection.table(f"raw.{one.table}").aggregate("count(*)").fetchone() or (0,)
        return reconciliation.Totals(rows, 0, None)

    def run() -> int:
        with (
            mock.patch.object(reconciliation, "aggregates", return_value={}),
            mock.patch.object(reconciliation, "compare", counted),
        ):
            return work.run()

    return Work(run, work.after)


def _refresh(task: Task, *, full: bool) -> Work:
    def run() -> int:
        report = refresh.run(task.settings, as_of=task.moment, full=full)
        modes = {table.mode for table in report.extracts}
        if not full and extract.INCREMENTAL not in modes:
            raise RuntimeError(
                f"no table was read incrementally: {sorted({table.reason for table in report.extracts})}"
            )
        return sum(report.metrics.values())

    return Work(run)


def _of_one_table(task: Task) -> Settings:
    """The settings with a warehouse beside the one of whole refreshes."""
    return task.settings.model_copy(update={"warehouse": Path(task.home) / f"{TABLE}.duckdb"})


def _extract(settings: Settings, baseline: Baseline | None) -> int:
    """Read the one table as a refresh reads all; the file is left for `warehouse.publish_working`."""
    settings.warehouse.parent.mkdir(parents=True, exist_ok=True)
    connection = warehouse.copy_to_working(settings) if baseline else warehouse.create_working(settings)
    if connection is None:
        raise RuntimeError("there is no earlier extraction to read changes against")
    with connection:
        with warehouse.writing_back(settings), extract.snapshot(connection, settings) as reading:
            only = replace(reading, sources={TABLE: reading.sources[TABLE]})
            (result,) = extract.read(connection, only, baseline)
        connection.execute("checkpoint")
    if baseline and result.mode != extract.INCREMENTAL:
        raise RuntimeError(f"{TABLE} was not read incrementally: {result.reason}")
    _remember(settings, Baseline(uuid.uuid4(), reading.snapshot, {TABLE: result.identity}))
    return result.changed or 0 if baseline else result.rows


def _baseline_file(settings: Settings) -> Path:
    return settings.warehouse.with_suffix(".baseline.json")


def _remember(settings: Settings, held: Baseline) -> None:
    # A refresh keeps this in the warehouse's own records; the extraction of a single table has none.
    text = json.dumps([str(held.refresh_id), asdict(held.snapshot), dict(held.identities)], default=datetime.isoformat)
    _baseline_file(settings).write_text(text, encoding="utf-8")


def _baseline(settings: Settings) -> Baseline:
    number, snapshot, identities = json.loads(_baseline_file(settings).read_text(encoding="utf-8"))
    taken_at = datetime.fromisoformat(snapshot.pop("taken_at"))
    return Baseline(uuid.UUID(number), Snapshot(taken_at=taken_at, **snapshot), identities)
