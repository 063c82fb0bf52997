"""The weeks, months, quarters and years that days are counted in: where each begins and where the next does.

Belongs here: arithmetic on the first days of periods, for words like ``last 8 weeks`` and for numbers by period alike,
so that both mean the same days. It knows no time zone and no clock.
| unit | begins |
|---|---|
| ``week`` | on the calendar's `week_start` |
| ``month``, ``year`` | on the first of a month, on 1 January |
| ``fiscal_year``, ``quarter`` | with the calendar's `fiscal_start`, and three, six and nine months later |
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Literal

from si_analytics.calendars import STANDARD, Calendar

Unit = Literal["day", "week", "month", "quarter", "year", "fiscal_year"]

_DAYS: dict[Unit, int] = {"day": 1, "week": 7}
_MONTHS: dict[Unit, int] = {"month": 1, "quarter": 3, "year": 12, "fiscal_year": 12}
_FISCAL = {"quarter", "fiscal_year"}


def start_of(day: date, unit: Unit, calendar: Calendar = STANDARD) -> date:
    """Returns the first day of the period that holds `day`. Raises ValueError if that lies before the year 1.

    >>> start_of(date(2026, 5, 10), "quarter", Calendar(fiscal_start=2))
    datetime.date(2026, 5, 1)
    """
    if unit in _MONTHS:
        number = _number(day)
        offset = calendar.fiscal_start - 1 if unit in _FISCAL else 0
        return month_of(number - (number - offset) % _MONTHS[unit])
    return _later(day, -((day.isoweekday() - calendar.week_start) % 7) if unit == "week" else 0)


def next_start(start: date, unit: Unit) -> date:
    """Returns the first day of the period after the one that begins with `start`. Raises ValueError after 9999.

    >>> next_start(date(2026, 4, 1), "quarter")
    datetime.date(2026, 7, 1)
    """
    return moved(start, unit, 1)


def moved(start: date, unit: Unit, count: int) -> date:
    """Returns the first day of the period `count` later than the one that begins with `start`, or earlier if negative.

    Raises ValueError outside the years 1 to 9999.

    >>> moved(date(2026, 6, 1), "week", -8)
    datetime.date(2026, 4, 6)
    """
    if unit in _MONTHS:
        return months_later(start, count * _MONTHS[unit])
    return _later(start, count * _DAYS[unit])


def months_later(day: date, count: int) -> date:
    """Returns the same day of the month `count` months later. Raises ValueError if no calendar has it.

    >>> months_later(date(2026, 3, 1), -12)
    datetime.date(2025, 3, 1)
    """
    return month_of(_number(day) + count).replace(day=day.day)


def month_of(number: int) -> date:
    """Returns the first day of a month counted from January of the year 0. Raises ValueError if no calendar has it."""
    return date(number // 12, number % 12 + 1, 1)


def _number(day: date) -> int:
    return day.year * 12 + day.month - 1


def _later(day: date, count: int) -> date:
    try:
        return day + timedelta(days=count)
    except OverflowError as error:
        raise ValueError(f"{count} days from {day}") from error
