"""Checks: one SQL file each, which returns the rows that are wrong.

Belongs here: running the files of ``sql/checks``, judging what they found, and recording it.

A blocking check that finds a row stops the refresh before anything is published; what a warning finds is
published with the numbers. `extract` itself reconciles the warehouse with Postgres row by row, within the
snapshot: counts, keys, sums of money, amounts that are not numbers.
"""

from __future__ import annotations

import json
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Self
from uuid import UUID

import duckdb

from si_analytics import warehouse
from si_analytics.compute import derived_checks, metrics
from si_analytics.definitions import Check, lookup, project
from si_analytics.errors import CheckFailedError, MissingTableError

BLOCKING = "blocking"
WARNING = "warning"

_SAMPLE_ROWS = 10
_NAMED_ROWS = 3
_FOUND = "temp.main.rows_found"
_KEEP = "create or replace temporary table rows_found as\n"


@dataclass(frozen=True)
class CheckResult:
    """What a check found: how many wrong rows, what such a row means, the first ten of them.

    ``state`` is a digest of its query and parameters, by which a later refresh knows whether the result still stands.
    A row names its table, column and key if they differ from row to row. It carries no personal
    data: keys, amounts, times and counts only.
    """

    name: str
    severity: str
    summary: str
    rows: int
    sample: tuple[dict[str, Any], ...]
    seconds: float
    state: str = ""

    @property
    def passed(self) -> bool:
        """Whether the check found nothing."""
        return self.rows == 0


def names() -> tuple[str, ...]:
    """Every check, by name."""
    return tuple(project().checks)


def of(name: str) -> Check:
    """The check of that name; a derived one comes with its query and the tables it reads.

    Raises UnknownNameError that suggests the nearest.
    """
    ours = project()
    return derived_checks.complete(ours, lookup(ours.checks, name, "check"))


def every() -> tuple[Check, ...]:
    """Every check, by name."""
    return tuple(map(of, names()))


def severity(name: str) -> str:
    """``blocking`` or ``warning``."""
    return of(name).severity


def reads_only_raw(name: str) -> bool:
    """Whether the check can run before any metric is computed."""
    return all(table.startswith("raw.") for table in of(name).inputs)


def run(connection: duckdb.DuckDBPyConnection, name: str, values: Mapping[str, Any]) -> CheckResult:
    """Run one check with those of `values` (`metrics.Parameters.bound`) that it names.

    Raises MissingTableError if the warehouse lacks a table the check reads.
    """
    check = of(name)
    _require_inputs(connection, check)
    started = time.perf_counter()
    asked = derived_checks.narrowed(connection, project(), check)
    sample, rows = ((), 0) if asked is None else _found(connection, asked, values)
    seconds = time.perf_counter() - started
    return CheckResult(name, check.severity, check.summary, rows, sample, seconds)


class Beside:
    """Runs checks in the background, on a connection of their own to the file of the `connection` given.

    Calls ``heard`` with each result, in the caller's thread and in the order of `names`. Use it as a context manager:
    leaving it interrupts the checks that are still running.
    """

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        names: Iterable[str],
        values: Mapping[str, Any],
        heard: Callable[[CheckResult], None],
    ) -> None:
        self._own = connection.cursor()
        self._thread = ThreadPoolExecutor(max_workers=1)
        self._pending = deque(self._thread.submit(run, self._own, name, values) for name in names)
        self._heard = heard

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if not all(one.cancel() or one.done() for one in self._pending):
            self._own.interrupt()
        self._thread.shutdown()
        self._own.close()

    def require_passed(self, *, every: bool = False) -> None:
        """Raise CheckFailedError if a finished blocking check found rows; with `every`, wait for all checks.

        The error names all that failed: after a first failure, it waits for every check before raising.
        """
        results = []
        while self._pending and (every or self._pending[0].done()):
            result = self._pending.popleft().result()
            self._heard(result)
            results.append(result)
            every = every or _failed(result)
        require_passed(results)


def require_passed(results: Iterable[CheckResult]) -> None:
    """Raise CheckFailedError that names every blocking check of `results` that found rows, and the first rows."""
    failed = [result for result in results if _failed(result)]
    if not failed:
        return
    found = "; ".join(_told(result) for result in failed)
    remedies = dict.fromkeys(of(result.name).remedy for result in failed)
    raise CheckFailedError("checking the refresh", found, f"Nothing was published. {'. '.join(remedies)}")


def _failed(result: CheckResult) -> bool:
    return result.severity == BLOCKING and not result.passed


def create_table(connection: duckdb.DuckDBPyConnection) -> None:
    """Create ``meta.checks`` if it does not exist."""
    connection.execute(
        "create table if not exists meta.checks (refresh_id uuid, check_name varchar, severity varchar,"
        " rows bigint, summary varchar, sample json, seconds double, state varchar)"
    )


def record(connection: duckdb.DuckDBPyConnection, refresh_id: UUID, results: Iterable[CheckResult]) -> None:
    """Record in ``meta.checks`` what the checks of a refresh found; the sample's values become text."""
    create_table(connection)
    rows = []
    for result in results:
        sample = json.dumps(result.sample, default=str, ensure_ascii=False)
        said = (result.name, result.severity, result.rows, result.summary, sample, result.seconds, result.state)
        rows.append([refresh_id, *said])
    warehouse.insert(connection, "meta.checks", rows)


def _found(
    connection: duckdb.DuckDBPyConnection, check: Check, values: Mapping[str, Any]
) -> tuple[tuple[dict[str, Any], ...], int]:
    """The first rows that a check finds, and how many it finds."""
    # Store the rows: taking the first ones and counting them must not run the check twice.
    connection.execute(_KEEP + check.text, metrics.bindings(connection, check, values))
    found = connection.table(_FOUND)
    sample, rows = _first_rows(found), _count(found)
    connection.execute(f"drop table {_FOUND}")
    return sample, rows


def _first_rows(found: duckdb.DuckDBPyRelation) -> tuple[dict[str, Any], ...]:
    rows = found.limit(_SAMPLE_ROWS).fetchall()
    return tuple(dict(zip(found.columns, row, strict=True)) for row in rows)


def _count(found: duckdb.DuckDBPyRelation) -> int:
    row = found.aggregate("count(*)").fetchone()
    return int(row[0]) if row else 0


def _told(result: CheckResult) -> str:
    """``name found 5 rows (first row, second row, third row, and 2 more)``."""
    named = [" ".join(f"{key} {value}" for key, value in row.items()) for row in result.sample[:_NAMED_ROWS]]
    if result.rows > len(named):
        named.append(f"and {result.rows - len(named):,} more")
    noun = "row" if result.rows == 1 else "rows"
    return f"{result.name} found {result.rows:,} {noun} ({', '.join(named)})"


def _require_inputs(connection: duckdb.DuckDBPyConnection, check: Check) -> None:
    held = {
        f"{schema}.{table}"
        for schema, table in connection.sql("select table_schema, table_name from information_schema.tables").fetchall()
    }
    missing = [table for table in check.inputs if table not in held]
    if missing:
        raise MissingTableError(
            f"check '{check.name}'",
            f"it reads {', '.join(missing)}, which this warehouse does not hold",
            "Fill it first: si refresh",
        )
