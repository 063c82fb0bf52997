"""Checks: one SQL file each, which returns the rows that are wrong.

Belongs here: running the files of ``sql/checks``, judging what they found, and recording it.

A blocking check that finds a row stops the refresh before anything is published; a warning is
published with the numbers. What reconciles the warehouse with Postgres row by row (counts, keys, sums
of money, amounts that are no numbers) happens within the snapshot, in `extract`.
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

    A row names its table, column and key where they differ from row to row, and carries no personal
    data: keys, amounts, times and counts only.
    """

    name: str
    severity: str
    summary: str
    rows: int
    sample: tuple[dict[str, Any], ...]
    seconds: float

    @property
    def passed(self) -> bool:
        """Whether the check found nothing."""
        return self.rows == 0


def names() -> tuple[str, ...]:
    """Every check, by name."""
    return tuple(project().checks)


def of(name: str) -> Check:
    """The check of that name; one that is declared without a query with that which follows, and the tables that reads.

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

    Raises MissingTableError where the warehouse lacks a table the check reads.
    """
    check = of(name)
    _require_inputs(connection, check)
    started = time.perf_counter()
    # Kept, so that neither the first rows nor their number asks the question a second time.
    connection.execute(_KEEP + check.text, metrics.bindings(connection, check, values))
    found = connection.table(_FOUND)
    sample, rows = _first_rows(found), _count(found)
    connection.execute(f"drop table {_FOUND}")
    seconds = time.perf_counter() - started
    return CheckResult(name, check.severity, check.summary, rows, sample, seconds)


class Beside:
    """Checks at work beside whoever uses the `connection` they were given, on one of their own to the same file.

    ``heard`` is told of each result, in the caller's thread and in the order of `names`. Use it as a context manager:
    checks that are not through when it is left are broken off.
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
        """Raise CheckFailedError where a blocking one found rows, of those done by now; wait for `every` one if asked.

        The error names all that failed: once one has, it is raised when every check is through.
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
    """Create ``meta.checks`` unless it is there."""
    connection.execute(
        "create table if not exists meta.checks (refresh_id uuid, check_name varchar, severity varchar,"
        " rows bigint, summary varchar, sample json, seconds double)"
    )


def record(connection: duckdb.DuckDBPyConnection, refresh_id: UUID, results: Iterable[CheckResult]) -> None:
    """Keep what the checks of a refresh found in ``meta.checks``; keys, amounts and times in the sample are texts."""
    create_table(connection)
    rows = []
    for result in results:
        sample = json.dumps(result.sample, default=str, ensure_ascii=False)
        rows.append([refresh_id, result.name, result.severity, result.rows, result.summary, sample, result.seconds])
    warehouse.insert(connection, "meta.checks", rows)


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
