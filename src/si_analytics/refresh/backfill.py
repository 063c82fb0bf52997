"""Fill past days of the leaderboard and the funnels from the rows the warehouse holds now.

Belongs here: which days are over, and filling ``history.agent_leaderboard`` and ``history.conversion_funnels``
for a range of them. A day keeps the metric itself, over all time, as of the day's end in the reporting time zone.
This uses old times with today's statuses; it is not time travel.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import duckdb

from si_analytics import warehouse
from si_analytics.compute import currencies, metrics
from si_analytics.compute.currencies import Present
from si_analytics.compute.metrics import Parameters
from si_analytics.errors import UsageError, WarehouseError
from si_analytics.periods import windows
from si_analytics.periods.windows import Instant
from si_analytics.refresh import resumption, run_log
from si_analytics.refresh.resumption import Last
from si_analytics.refresh.steps import StepListener
from si_analytics.settings import Settings

_DAY = timedelta(days=1)
_ASKED = "filling the boards of days gone by"

_Keep = Callable[[duckdb.DuckDBPyConnection, date, Parameters], None]


@dataclass(frozen=True)
class HistoryReport:
    """What a backfill did: the days asked for, how many of them it filled, and how many rows it wrote."""

    first: date
    last: date
    days: int
    rows: int
    currency: str
    timezone: str
    as_of: datetime
    seconds: float


def ends_at(day: date, tz: str) -> datetime:
    """When `day` ends in `tz`: the first moment of the next day, whether `day` has 23, 24 or 25 hours.

    >>> ends_at(date(2026, 3, 29), "Europe/Berlin").isoformat()
    '2026-03-29T22:00:00+00:00'
    """
    return windows.instant(day + _DAY, tz)


def last_day(as_of: datetime, tz: str) -> date:
    """The last day in `tz` that has ended by `as_of`."""
    return windows.today(as_of, tz) - _DAY


def days(
    present: Present, since: Instant | None = None, until: Instant | None = None, during: date | str | None = None
) -> tuple[date, date]:
    """The first and last day of a window that begins with `since`, limited to days that are over.

    A window includes a day if it holds the day's first moment. Raises UsageError if no day is left.
    """
    start, end = windows.ends(present.as_of, since, until, present.tz, during=during, calendar=present.calendar)
    if start is None:
        raise UsageError(_ASKED, "it is not said from when on", "Give since or during, like 2026-01-01 or 2026-Q1")
    over = last_day(present.as_of, present.tz)
    first, last = windows.day_from(start, present.tz), over
    if end is not None:
        last = min(over, windows.day_from(end, present.tz) - _DAY)
    if first > last:
        raise UsageError(
            _ASKED, f"no day from {first} on is both over and asked for", f"The last that is over is {over}"
        )
    return first, last


def backfill(
    settings: Settings,
    first: date,
    last: date,
    *,
    currency: str | None = None,
    only_missing: bool = False,
    listen: StepListener | None = None,
) -> HistoryReport:
    """Fill the boards of the days `first` to `last`, both included, and replace the boards kept for them.

    Uses the rows, time zone and (unless another is named) currency of the published warehouse. With `only_missing`,
    a day that has a board in that currency keeps it. Works on a copy and replaces the published file in one rename:
    readers go on, and a failure changes nothing. Reports each month to `listen`.
    Raises UsageError for a day not over as of the last refresh, WarehouseError if there is no refresh.
    """
    return _backfill(
        settings,
        first,
        last,
        table="agent_leaderboard",
        keep=_keep_board,
        days_kept=_kept if only_missing else _none_kept,
        currency=currency,
        listen=listen,
    )


def backfill_funnels(
    settings: Settings, first: date, last: date, *, listen: StepListener | None = None
) -> HistoryReport:
    """Fill the funnels of the days `first` to `last`, both included, the way `backfill` fills the boards."""
    return _backfill(
        settings,
        first,
        last,
        table="conversion_funnels",
        keep=_keep_funnels,
        days_kept=_none_kept,
        currency=None,
        listen=listen,
    )


def _backfill(
    settings: Settings,
    first: date,
    last: date,
    *,
    table: str,
    keep: _Keep,
    days_kept: Callable[[duckdb.DuckDBPyConnection, str], set[date]],
    currency: str | None,
    listen: StepListener | None,
) -> HistoryReport:
    started = time.perf_counter()
    with warehouse.writer_lock(settings), _working(settings) as connection:
        taken = resumption.take_up(connection, settings)
        _require_over(first, last, taken)
        present = Present(taken.as_of, taken.currency, taken.timezone, lambda: currencies.held(connection))
        asked = Parameters.all_time(taken.as_of, currencies.asked_for(currency, present), taken.timezone)
        kept = days_kept(connection, asked.currency)
        wanted = [day for day in _range(first, last) if day not in kept]
        rows = _fill(connection, wanted, asked, table=table, keep=keep, listen=listen) if wanted else 0
        if wanted:
            run_log.begin_generation(connection)  # days were filled that no refresh records
            connection.execute("checkpoint")
            connection.close()
            warehouse.publish_working(settings)
    seconds = time.perf_counter() - started
    return HistoryReport(first, last, len(wanted), rows, asked.currency, asked.tz, taken.as_of, seconds)


def _keep_board(connection: duckdb.DuckDBPyConnection, day: date, asked: Parameters) -> None:
    board = metrics.evaluate(connection, "agent_leaderboard", asked)
    run_log.keep_board(connection, board, day, asked.currency)


def _keep_funnels(connection: duckdb.DuckDBPyConnection, day: date, asked: Parameters) -> None:
    run_log.keep_funnels(connection, metrics.evaluate(connection, "conversion_funnels", asked), day)


@contextmanager
def _working(settings: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    """Yields a copy of the published file; removes it unless it was published."""
    connection = warehouse.copy_to_working(settings)
    if connection is None:
        raise WarehouseError(_ASKED, "there is no warehouse yet", "Fill it first: si refresh")
    try:
        if not run_log.of_this_version(connection):
            raise WarehouseError(_ASKED, "the warehouse was made by another version", "Fill it anew: si refresh")
        yield connection
    finally:
        connection.close()
        warehouse.discard_working(settings)


def _require_over(first: date, last: date, taken: Last) -> None:
    if first > last:
        raise UsageError(f"the days from {first} to {last}", "they end before they begin", "Give the earlier one first")
    over = last_day(taken.as_of, taken.timezone)
    if last > over:
        raise UsageError(
            f"the board of {last}",
            f"that day is not over as of the last refresh, {taken.as_of.isoformat()}, in {taken.timezone}",
            f"The last that is over is {over}; for later ones refresh first: si refresh",
        )


def _range(first: date, last: date) -> list[date]:
    return [first + _DAY * number for number in range((last - first).days + 1)]


def _kept(connection: duckdb.DuckDBPyConnection, currency: str) -> set[date]:
    found = connection.sql(
        "select distinct as_of_date from history.agent_leaderboard where currency = $currency",
        params={"currency": currency},
    )
    return {day for (day,) in found.fetchall()}


def _none_kept(connection: duckdb.DuckDBPyConnection, currency: str) -> set[date]:
    """Returns no day, so that every day is filled."""
    return set()


def _fill(
    connection: duckdb.DuckDBPyConnection,
    wanted: list[date],
    asked: Parameters,
    *,
    table: str,
    keep: _Keep,
    listen: StepListener | None,
) -> int:
    """Replace what is kept for these days in one transaction; return how many rows they have."""
    total = 0
    connection.begin()
    for month, of_month in itertools.groupby(wanted, lambda day: f"{day:%Y-%m}"):
        started = time.perf_counter()
        in_month = list(of_month)
        for day in in_month:
            keep(connection, day, Parameters.all_time(ends_at(day, asked.tz), asked.currency, asked.tz))
        rows = _count(connection, table, in_month, asked.currency)
        if listen:
            listen("history", month, rows, time.perf_counter() - started)
        total += rows
    connection.commit()
    return total


def _count(connection: duckdb.DuckDBPyConnection, table: str, in_month: list[date], currency: str) -> int:
    kept = connection.table(f"history.{table}")
    of_month = duckdb.ColumnExpression("as_of_date").isin(*(duckdb.ConstantExpression(day) for day in in_month))
    if "currency" in kept.columns:
        of_month &= duckdb.ColumnExpression("currency") == duckdb.ConstantExpression(currency)
    found = kept.filter(of_month).aggregate("count(*)").fetchone()
    return int(found[0]) if found else 0
