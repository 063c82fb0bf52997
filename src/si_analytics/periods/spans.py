"""Spans of days and durations as people write them: ``2026-Q2``, ``last 30 days``, ``14d``.

Belongs here: one small grammar, from a text to whole calendar days. It knows no time zone and no clock: today comes
in as an argument. No library fits: those that read dates (dateparser, pendulum, whenever) give one instant instead of
a span, or guess what a text means; here a text means one span or none.
| written | means |
|---|---|
| ``2026``, ``2026-Q2``, ``2026-01``, ``2026-W05``, ``2026-01-31`` | that year, quarter, month, ISO week, day |
| ``today``, ``yesterday`` | that day |
| ``this month`` (week, quarter, year) | the whole one that holds today |
| ``last month`` (week, quarter, year) | the whole one before it |
| ``last 30 days`` (weeks, months, quarters, years) | so many whole ones, up to the one before today's |
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta

from si_analytics.errors import UsageError

FORMS = "a year, quarter, month, week or day like 2026, 2026-Q2, 2026-01, 2026-W05 or 2026-01-31, or words like "
FORMS += "today, yesterday, this month, last month or last 30 days"

Duration = timedelta | str

_YEAR = re.compile(r"(\d{4})", re.ASCII)
_QUARTER = re.compile(r"(\d{4})-?q(\d)", re.ASCII)
_MONTH = re.compile(r"(\d{4})-(\d{2})", re.ASCII)
_WEEK = re.compile(r"(\d{4})-?w(\d{2})", re.ASCII)
_CURRENT = re.compile(r"(this|last) (week|month|quarter|year)")
_SEVERAL = re.compile(r"last (\d{1,6}) (day|week|month|quarter|year)s?", re.ASCII)
_DURATION = re.compile(r"([0-9]+)\s*(w|d|h|min|m|s)(?![a-z])", re.ASCII)
_UNIT = {"w": "weeks", "d": "days", "h": "hours", "min": "minutes", "m": "minutes", "s": "seconds"}
_MONTHS = {"month": 1, "quarter": 3, "year": 12}


@dataclass(frozen=True)
class Days:
    """The days from `first` on, before `after`."""

    first: date
    after: date


def read(text: str, today: date | None, *, name: str = "during") -> Days | None:
    """Returns the days that `text` means; None if it is not a span of days, or needs a `today` that is None.

    Raises UsageError for a span of the right shape that no calendar has, like ``2026-Q5``.

    >>> read("2026-Q2", None)
    Days(first=datetime.date(2026, 4, 1), after=datetime.date(2026, 7, 1))
    """
    written = " ".join(text.lower().split())
    try:
        found = _named(written)
        return found if found or today is None else _relative(written, today)
    except (ValueError, OverflowError):
        raise UsageError(f"{name} '{text[:40]}'", "no calendar has it", f"Write {FORMS}") from None


def _named(written: str) -> Days | None:
    if match := _YEAR.fullmatch(written):
        return _of_months(int(match[1]) * 12, 12)
    if match := _QUARTER.fullmatch(written):
        return _of_months(int(match[1]) * 12 + _within(int(match[2]), 4) * 3, 3)
    if match := _MONTH.fullmatch(written):
        return _of_months(int(match[1]) * 12 + _within(int(match[2]), 12), 1)
    if match := _WEEK.fullmatch(written):
        return _of_days(date.fromisocalendar(int(match[1]), int(match[2]), 1), 7)
    try:
        return _of_days(date.fromisoformat(written.upper()), 1)
    except ValueError:
        return None


def _relative(written: str, today: date) -> Days | None:
    if written in {"today", "yesterday"}:
        return _of_days(today - timedelta(days=written == "yesterday"), 1)
    if match := _CURRENT.fullmatch(written):
        this = _before(today, match[2], 0)
        return (
            Days(this, _before(today, match[2], -1)) if match[1] == "this" else Days(_before(this, match[2], 1), this)
        )
    if match := _SEVERAL.fullmatch(written):
        if int(match[1]) == 0:
            raise ValueError("none at all")
        return Days(_before(today, match[2], int(match[1])), _before(today, match[2], 0))
    return None


def _before(today: date, unit: str, count: int) -> date:
    """Returns the first day of the unit that lies `count` before the one that holds `today`."""
    if unit in _MONTHS:
        length = _MONTHS[unit]
        number = today.year * 12 + today.month - 1
        return _month(number - number % length - count * length)
    days = 7 if unit == "week" else 1
    return today - timedelta(days=(today.weekday() if unit == "week" else 0) + count * days)


def months_before(day: date, count: int) -> date:
    """Returns the same day of the month `count` months earlier. Raises ValueError if no calendar has it.

    >>> months_before(date(2026, 3, 1), 12)
    datetime.date(2025, 3, 1)
    """
    return _month(day.year * 12 + day.month - 1 - count).replace(day=day.day)


def _within(number: int, highest: int) -> int:
    """Returns `number` counted from 0. Raises ValueError unless it is 1 to `highest`."""
    if not 1 <= number <= highest:
        raise ValueError(f"{number} of {highest}")
    return number - 1


def _of_months(number: int, count: int) -> Days:
    return Days(_month(number), _month(number + count))


def _of_days(first: date, count: int) -> Days:
    return Days(first, first + timedelta(days=count))


def _month(number: int) -> date:
    """Returns the first day of a month counted from year 0."""
    return date(number // 12, number % 12 + 1, 1)


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
