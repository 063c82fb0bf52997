"""How people read a frame of measures: headings with units, figures, changes, periods and the window, as text.

Belongs here: the words that a table and a chart of the same frame share. Every figure keeps its exact digits, save
that a ratio is rounded to a percentage.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import polars as pl

from si_analytics import formatting, time_zones
from si_analytics.errors import UsageError
from si_analytics.frames import CELL, OTHERS, TOTAL, Figure, Grouping, MeasureFrame

NONE = "(none)"
PART = "part"
BEFORE = {"previous": "the period before", "year": "the year before"}
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_UNITS = {"stars": "of 5", "time": "UTC"}
_UNSAID = ("ratio", "percent")  # each value says it
_SHORT = {"gmv": "GMV", "id": "ID"}


def require(frame: pl.DataFrame, asked: str) -> MeasureFrame:
    """Returns the frame if it is one of measures with all its columns; raises UsageError if not."""
    if not isinstance(frame, MeasureFrame) or not frame.figures:
        found = "the frame knows no measures" if isinstance(frame, pl.DataFrame) else f"it is a {type(frame).__name__}"
        raise UsageError(asked, found, "Pass the result of warehouse.measure, with its columns unchanged")
    formatting.require(frame, frame.expected, asked)
    return frame


def label(name: str) -> str:
    """Returns a column's name as words: ``agent.tier`` is ``Agent tier``, ``gmv`` is ``GMV``."""
    words = " ".join(_SHORT.get(word, word) for word in name.replace(".", "_").split("_") if word)
    return words[:1].upper() + words[1:]


def inside(name: str) -> str:
    """Returns a column's name as words inside a sentence: ``agent tier``."""
    words = label(name)
    return words if words[1:2].isupper() else words[:1].lower() + words[1:]


def unit(figure: Figure, currency: str) -> str:
    """Returns the unit for a heading; empty if the name or each value says it."""
    if figure.unit == "reporting currency":
        return currency.upper()
    if is_money(figure):
        return figure.unit.upper()
    if figure.unit in _UNSAID or figure.unit in figure.name.split("_"):
        return ""
    return _UNITS.get(figure.unit, figure.unit)


def is_money(figure: Figure) -> bool:
    """Whether the unit is a currency: the reporting one, or a code of three letters with cents."""
    return figure.unit == "reporting currency" or (len(figure.unit) == 3 and figure.places == 2)


def heading(figure: Figure, currency: str) -> str:
    """Returns a measure's heading with its unit: ``GMV (USD)``, ``New deals``."""
    said = unit(figure, currency)
    return f"{label(figure.name)} ({said})" if said else label(figure.name)


def title(frame: MeasureFrame, measures: str) -> str:
    """Returns measures and groupings as a title: ``GMV (USD) by agent tier and month``."""
    names = [inside(one.name) for one in frame.groupings]
    by = " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
    return f"{measures} by {by}" if by else measures


def value(figure: Figure, found: Any) -> str:
    """Returns a measure's value, without its currency; a dash for null."""
    if found is None:
        return formatting.MISSING
    if figure.unit == "ratio":
        return formatting.percent(found)
    if isinstance(found, datetime):
        return formatting.moment(found)
    if isinstance(found, str | timedelta):
        return str(found)
    return f"{formatting.number(found)} %" if figure.unit == "percent" else formatting.number(found)


def change(figure: Figure, found: Any) -> str:
    """Returns a change with its sign; that of a ratio or percentage in percentage points."""
    if figure.unit == "ratio" and found is not None:
        return f"{signed((found * 100).quantize(Decimal('0.1'), rounding=ROUND_HALF_UP))} points"
    if not isinstance(found, int | Decimal):
        return formatting.MISSING if found is None else str(found)
    return f"{signed(found)} points" if figure.unit == "percent" else signed(found)


def change_ratio(found: Decimal | None) -> str:
    """Returns a relative change with its sign: ``+12.5 %``."""
    return f"{'+' if found is not None and found > 0 else ''}{formatting.percent(found)}"


def signed(found: int | Decimal) -> str:
    """Returns a number with its sign, zero without one: ``+1,234.50``, ``-3``, ``0``."""
    return f"{'+' if found > 0 else ''}{formatting.number(found)}"


def group(grouping: Grouping, found: Any) -> str:
    """Returns what a row is grouped under, as readers see it."""
    if found is None:
        return NONE
    if grouping.kind == "calendar":
        return period(grouping.unit, found)
    if grouping.unit == "weekday":
        return WEEKDAYS[found - 1] if 1 <= found <= 7 else str(found)
    return f"{found:02d}:00" if grouping.unit == "hour" else str(found)


def group_heading(grouping: Grouping) -> str:
    """Returns the heading of a grouping's column; a week is known by its first day."""
    return "Week from" if grouping.unit == "week" else label(grouping.name)


def period(unit: str, first: date | str) -> str:
    """Returns the period that begins on a day: ``1 Jun 2026``, ``Jun 2026``, ``2026 Q2``; far years as they come."""
    if isinstance(first, str):
        return first
    if unit == "month":
        return f"{first:%b %Y}"
    if unit == "quarter":
        return f"{first.year} Q{(first.month + 2) // 3}"
    return f"{first.year}" if unit == "year" else day(first)


def day(found: date) -> str:
    """Returns a day as ``1 Jun 2026``."""
    return f"{found.day} {found:%b %Y}"


def window(frame: MeasureFrame) -> str:
    """Returns the time a frame is of, with its zone: ``1 Jan 2026 to 31 Jan 2026, Europe/Berlin``."""
    since = _local(frame.since, frame.tz)
    until = _local(frame.until, frame.tz)
    first = _end(since) if since else ""
    last = _end(until, last=True) if until else ""
    if first and last:
        said = first if first == last else f"{first} to {last}"
    else:
        said = f"since {first}" if first else f"until {last}" if last else "all time"
    return f"{said[:1].upper()}{said[1:]}, {frame.tz}"


def kind(row: dict[str, Any]) -> str:
    """Returns whether a row is a cell, the rest of a top, or the total."""
    found = row.get("row")
    return found if found in (OTHERS, TOTAL) else CELL


def _local(found: datetime | None, tz: str) -> datetime | None:
    try:
        return None if found is None else found.astimezone(time_zones.named(tz))
    except OverflowError:  # the first or last hours of Python's calendar
        return found


def _end(found: datetime, *, last: bool = False) -> str:
    """Returns an end of the window as a day if it is a midnight: the day before for the exclusive end."""
    if found.time() == datetime.min.time():
        return day(found - timedelta(days=1) if last else found)
    return f"{day(found)} {found:%H:%M}"
