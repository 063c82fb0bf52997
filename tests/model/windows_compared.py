"""Section 0: the window a window is compared with, and where its periods come to lie beside the other's.

Belongs here: the same window last year, and the shift of periods between two windows.
"""

from __future__ import annotations

import zoneinfo
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from tests.model.dimensions import MONTHS_IN, first_day
from tests.model.rules import day_begun, first_moment, month_number, month_of_number, window_before

Shift = Callable[[str, date], date]
FIFTY_TWO_WEEKS = timedelta(weeks=52)


@dataclass(frozen=True)
class Window:
    """``[since, until)``; without since it has no beginning."""

    since: datetime | None
    until: datetime


def compared_with(window: Window, compare: str, tz: str, by_week: bool) -> Window:
    """The window before, or the same window last year."""
    if compare == "year":
        since = None if window.since is None else a_year_before(window.since, tz, by_week)
        return Window(since, a_year_before(window.until, tz, by_week))
    if compare != "previous" or window.since is None:
        raise ValueError("a window is compared with the previous, which needs a since, or with that of last year")
    return Window(*window_before(window.since, window.until, tz))


def a_year_before(moment: datetime, tz: str, by_week: bool) -> datetime:
    """Twelve months (or 52 weeks) before on the calendar of `tz`, at the same time of day."""
    zone = zoneinfo.ZoneInfo(tz)
    begun, local = day_begun(moment, tz), moment.astimezone(zone)
    day = begun or local.date()
    earlier = day - FIFTY_TWO_WEEKS if by_week else months_later(day, -12)
    if begun is not None:
        return first_moment(earlier, tz)
    return datetime.combine(earlier, local.time(), zone).astimezone(UTC)


def months_later(day: date, months: int) -> date:
    """The same day of another month; the 29th of February becomes the 1st of March where there is none."""
    month = month_of_number(month_number(day.replace(day=1)) + months)
    last = month_of_number(month_number(month) + 1) - timedelta(days=1)
    return month.replace(day=day.day) if day.day <= last.day else last + timedelta(days=1)


def shift_of(window: Window, earlier: Window, compare: str, tz: str, week_start: int, by_week: bool) -> Shift:
    """Moves the periods of the earlier window to where they meet those of the later one."""
    if compare == "year":
        days = FIFTY_TWO_WEEKS if by_week else None
        return lambda unit, day: day + days if days and unit in ("day", "week") else months_later(day, 12)
    zone = zoneinfo.ZoneInfo(tz)
    assert window.since is not None
    assert earlier.since is not None
    first, before = window.since.astimezone(zone).date(), earlier.since.astimezone(zone).date()

    def shift(unit: str, day: date) -> date:
        start, other = first_day(first, unit, week_start), first_day(before, unit, week_start)
        if unit in MONTHS_IN:
            return months_later(day, month_number(start) - month_number(other))
        return day + (start - other)

    return shift
