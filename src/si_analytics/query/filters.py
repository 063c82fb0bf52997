"""What facts are filtered to: values as people give them, and whether a period or an hour of that name exists.

Belongs here: refusing a value that no calendar has, which would keep no fact in silence.
"""

from __future__ import annotations

from datetime import date

from si_analytics.calendars import Calendar
from si_analytics.definitions.grouping import NONE, Path
from si_analytics.errors import UsageError
from si_analytics.periods import buckets

_RANGES = {"hour": range(24), "weekday": range(1, 8)}


def require(path: Path, values: tuple[str, ...], calendar: Calendar) -> None:
    """Raise UsageError for a value that the path never has, as ``May 2026`` for a month: those are first days.

    Which texts there are is up to the data; any is let through.
    """
    if path.kind not in {"calendar", "number"}:
        return
    for value in values:
        if value != NONE and not _exists(path, value, calendar):
            raise UsageError(f"{path.name} '{value}'", f"no {path.unit} is called so", _remedy(path, value, calendar))


def _exists(path: Path, value: str, calendar: Calendar) -> bool:
    if path.unit in _RANGES:
        return value in {str(one) for one in _RANGES[path.unit]}
    day = _day(value)
    return day is not None and day.isoformat() == value and _first(day, path, calendar) == day


def _remedy(path: Path, value: str, calendar: Calendar) -> str:
    if path.unit in _RANGES:
        numbers = _RANGES[path.unit]
        return f"Give a number from {numbers[0]} to {numbers[-1]}"
    day = _day(value)
    first = _first(day, path, calendar) if day else None
    near = f", {first} for the one that holds that day" if first else ""
    return f"Give its first day{near}; or a period like May 2026 as during"


def _day(value: str) -> date | None:
    try:
        return date.fromisoformat(value)
    except ValueError:
        return None


def _first(day: date, path: Path, calendar: Calendar) -> date | None:
    try:
        return buckets.start_of(day, path.unit, calendar)  # type: ignore[arg-type]
    except (ValueError, OverflowError):
        return None
