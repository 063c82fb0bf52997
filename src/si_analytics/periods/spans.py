"""Spans of days and durations as people write them: ``May 2026``, ``Q2 2026``, ``last 30 days``, ``ytd``, ``14d``.

Belongs here: one small grammar, from a text to whole calendar days. It knows no time zone and no clock: today comes
in as an argument. No library fits: those that read dates (dateparser, pendulum, whenever) give one instant instead of
a span, or guess what a text means; here a text means one span or none. Capitals and spaces do not matter.
| written | means |
|---|---|
| ``2026``, ``2026-01-31`` | that year, that day |
| ``2026-05``, ``May 2026``, ``2026 May`` | that month; its name may be cut to three letters |
| ``2026-Q2``, ``2026Q2``, ``Q2 2026`` | that quarter of the calendar year, whenever fiscal years begin |
| ``2026-W05``, ``W05 2026`` | that ISO week, which begins on Monday, whatever day weeks begin with otherwise |
| ``FY2026``, ``FY2026-Q2``, ``Q2 FY2026`` | that fiscal year, named by the calendar year it ends in; its quarter |
| ``today``, ``yesterday`` | that day |
| ``this month`` (week, quarter, year, fiscal year) | the whole one that holds today |
| ``mtd`` (wtd, qtd, ytd, fytd), ``month to date`` | the same: a window ends at its as_of at the latest |
| ``last month`` (week, quarter, year, fiscal year) | the whole one before it |
| ``last 8 weeks`` (days, months, quarters, years, fiscal years) | so many whole ones, up to the one before today's |
Weeks and quarters counted from today are those of the given calendar: quarters follow the fiscal year.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta
from typing import cast

from si_analytics import calendars
from si_analytics.calendars import STANDARD, Calendar
from si_analytics.errors import UsageError
from si_analytics.periods import buckets
from si_analytics.periods.buckets import Unit

FORMS = "a year, quarter, month, week or day like 2026, 2026-Q2, May 2026, 2026-W05, 2026-01-31 or FY2026, or words "
FORMS += "like today, yesterday, this month, last month, mtd, qtd, ytd, last 8 weeks or last 30 days"

Duration = timedelta | str

_UNITS = "day|week|month|quarter|year|fiscal year"
_YEAR = re.compile(r"(fy ?)?(\d{4})", re.ASCII)
_MONTH = re.compile(r"(\d{4})-(\d{2})", re.ASCII)
_PART = r"q\d|w\d{2}|[a-z]{3,9}"
_PART_LAST = re.compile(rf"(?P<fiscal>fy ?)?(?P<year>\d{{4}})[ -]?(?P<part>{_PART})", re.ASCII)
_PART_FIRST = re.compile(rf"(?P<part>{_PART})[.,]?[ -]?(?P<fiscal>fy ?)?(?P<year>\d{{4}})", re.ASCII)
_CURRENT = re.compile(rf"(this|last) (?!day)({_UNITS})")
_SEVERAL = re.compile(rf"last (\d{{1,6}}) ({_UNITS})s?", re.ASCII)
_TO_DATE = re.compile(rf"(?!day)({_UNITS})[ -]to[ -]date")
_SHORT = {"wtd": "week", "mtd": "month", "qtd": "quarter", "ytd": "year", "fytd": "fiscal year"}
_DURATION = re.compile(r"([0-9]+)\s*(w|d|h|min|m|s)(?![a-z])", re.ASCII)
_UNIT = {"w": "weeks", "d": "days", "h": "hours", "min": "minutes", "m": "minutes", "s": "seconds"}


@dataclass(frozen=True)
class Days:
    """The days from `first` on, before `after`."""

    first: date
    after: date


def read(text: str, today: date | None, *, calendar: Calendar = STANDARD, name: str = "during") -> Days | None:
    """Returns the days that `text` means; None if it is not a span of days, or needs a `today` that is None.

    Raises UsageError for a span of the right shape that no calendar has, like ``2026-Q5``.

    >>> read("Q2 2026", None)
    Days(first=datetime.date(2026, 4, 1), after=datetime.date(2026, 7, 1))
    """
    written = " ".join(text.lower().split())
    try:
        found = _named(written, calendar)
        return found if found or today is None else _relative(written, today, calendar)
    except (ValueError, OverflowError):
        raise UsageError(f"{name} '{text[:40]}'", "no calendar has it", f"Write {FORMS}") from None


def _named(written: str, calendar: Calendar) -> Days | None:
    if match := _YEAR.fullmatch(written):
        return _of_months(_first_month(int(match[2]), calendar if match[1] else STANDARD), 12)
    if match := _MONTH.fullmatch(written):
        return _of_months(int(match[1]) * 12 + _within(int(match[2]), 12), 1)
    if match := _PART_LAST.fullmatch(written) or _PART_FIRST.fullmatch(written):
        return _part(match["part"], int(match["year"]), calendar if match["fiscal"] else None)
    try:
        return _of_days(date.fromisoformat(written.upper()), 1)
    except ValueError:
        return None


def _part(part: str, year: int, fiscal: Calendar | None) -> Days | None:
    """Returns a quarter of a fiscal year, or a quarter, week or month of a calendar year; None if there is no such."""
    if re.fullmatch(r"q\d", part):
        return _of_months(_first_month(year, fiscal or STANDARD) + _within(int(part[1]), 4) * 3, 3)
    if fiscal is not None:
        return None
    if re.fullmatch(r"w\d\d", part):
        return _of_days(date.fromisocalendar(year, int(part[1:]), 1), 7)
    month = calendars.month(part)
    return None if month is None else _of_months(year * 12 + month - 1, 1)


def _first_month(year: int, calendar: Calendar) -> int:
    """Returns the month, counted from year 0, that the fiscal year which ends in the calendar year `year` begins with.

    A fiscal year that begins in January is the calendar year.
    """
    return year * 12 - (13 - calendar.fiscal_start) % 12


def _relative(written: str, today: date, calendar: Calendar) -> Days | None:
    if written in {"today", "yesterday"}:
        return _of_days(today - timedelta(days=written == "yesterday"), 1)
    if match := _TO_DATE.fullmatch(written):
        return _counted(today, match[1], calendar, 0)
    if written in _SHORT:
        return _counted(today, _SHORT[written], calendar, 0)
    if match := _CURRENT.fullmatch(written):
        return _counted(today, match[2], calendar, 1 if match[1] == "last" else 0)
    if match := _SEVERAL.fullmatch(written):
        if int(match[1]) == 0:
            raise ValueError("none at all")
        return _counted(today, match[2], calendar, int(match[1]))
    return None


def _counted(today: date, written: str, calendar: Calendar, count: int) -> Days:
    """Returns the `count` whole units before the one that holds `today`; that one itself for 0."""
    unit = cast("Unit", written.replace(" ", "_"))
    this = buckets.start_of(today, unit, calendar)
    return Days(buckets.moved(this, unit, -count), this) if count else Days(this, buckets.next_start(this, unit))


def _within(number: int, highest: int) -> int:
    """Returns `number` counted from 0. Raises ValueError unless it is 1 to `highest`."""
    if not 1 <= number <= highest:
        raise ValueError(f"{number} of {highest}")
    return number - 1


def _of_months(number: int, count: int) -> Days:
    return Days(buckets.month_of(number), buckets.month_of(number + count))


def _of_days(first: date, count: int) -> Days:
    return Days(first, first + timedelta(days=count))


def duration(value: Duration, *, name: str = "within") -> timedelta:
    """Returns `value` as a timedelta: ``14d``, ``36h``, ``2w``, ``1d 12h``, ``90min``; a day is 24 hours.

    Allows zero. Raises UsageError for a negative duration or a text that is none.

    >>> duration("1d 12h")
    datetime.timedelta(days=1, seconds=43200)
    """
    if isinstance(value, str):
        return _span(value, name)
    if not isinstance(value, timedelta):
        raise UsageError(f"{name} of type {type(value).__name__}", "it is no duration", "Give one like 14d or 36h")
    if value < timedelta():
        raise UsageError(f"{name} {value}", "it is negative", "Give a duration of zero or more, like 14d")
    return value


def _span(text: str, name: str) -> timedelta:
    parts = _DURATION.findall(text)
    rest = _DURATION.sub("", text).strip()
    if text.strip().startswith("-"):
        raise UsageError(f"{name} '{text}'", "it is negative", "Give a duration of zero or more, like 14d")
    if not parts or rest:
        raise UsageError(
            f"{name} '{text}'",
            "it is no duration",
            "Write whole numbers with w, d, h, min or s, like 14d, 36h or 1d 12h",
        )
    try:
        return sum((timedelta(**{_UNIT[unit]: int(number)}) for number, unit in parts), timedelta())
    except (OverflowError, ValueError):  # int() refuses thousands of digits
        raise UsageError(f"{name} '{text[:40]}'", "it is too long", "Give at most 999999999d") from None


def begins_with_a_duration(text: str) -> bool:
    """Whether `text` tries to be a duration, valid or not."""
    return _DURATION.match(text.strip()) is not None
