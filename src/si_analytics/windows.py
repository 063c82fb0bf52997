"""Spans of time: what ``since``, ``until``, ``as_of`` and ``within`` mean.

Belongs here: reading instants and durations that people type, and the half-open window they make.
Nothing here reads a clock: the present comes in as ``as_of``. May import: `errors`.
"""

from __future__ import annotations

import re
import zoneinfo
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from si_analytics.errors import UsageError

Instant = datetime | date | str
Duration = timedelta | str

_DURATION = re.compile(r"(\d+)\s*(w|d|h|min|m|s)", re.IGNORECASE)
_UNIT = {"w": "weeks", "d": "days", "h": "hours", "min": "minutes", "m": "minutes", "s": "seconds"}


@dataclass(frozen=True)
class Window:
    """The half-open span ``[since, until)`` as seen at ``as_of``; ``since`` none means from the start."""

    since: datetime | None
    until: datetime
    as_of: datetime


def zone(name: str) -> zoneinfo.ZoneInfo:
    """The IANA time zone of that name; raises UsageError where there is none."""
    if name not in zoneinfo.available_timezones():
        raise UsageError(
            f"time zone '{name}'", "it is not an IANA name", "Use one like UTC, Europe/Berlin, America/New_York"
        )
    return zoneinfo.ZoneInfo(name)


def instant(value: Instant, tz: str = "UTC", *, name: str = "the time") -> datetime:
    """`value` as a UTC datetime. A date, or a text without a time, is midnight in `tz`.

    Raises UsageError for a datetime without a zone: which moment it means cannot be known.
    """
    if isinstance(value, str):
        value = _parsed(value, name)
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise UsageError(
                f"{name} {value.isoformat()}",
                "it has no time zone, so it names no one moment",
                "Add an offset, like 2026-01-31T00:00:00Z, or give a date",
            )
        return value.astimezone(UTC)
    return datetime.combine(value, time(), zone(tz)).astimezone(UTC)


def _parsed(text: str, name: str) -> datetime | date:
    for read in (date.fromisoformat, datetime.fromisoformat):
        try:
            return read(text.strip())
        except ValueError:
            continue
    raise UsageError(
        f"{name} '{text}'", "it is no date or time", "Write a date like 2026-01-31 or a time like 2026-01-31T09:00:00Z"
    )


def duration(value: Duration, *, name: str = "within") -> timedelta:
    """`value` as a timedelta: ``14d``, ``36h``, ``2w``, ``1d 12h``. Raises UsageError unless positive."""
    if isinstance(value, str):
        parts = _DURATION.findall(value)
        if not parts or _DURATION.sub("", value).strip():
            raise UsageError(
                f"{name} '{value}'", "it is no duration", "Write a number and w, d, h, m or s, like 14d or 36h"
            )
        try:
            span = sum((timedelta(**{_UNIT[u.lower()]: int(n)}) for n, u in parts), timedelta())
        except OverflowError:
            raise UsageError(f"{name} '{value}'", "it is too long", "Use at most 999999999d") from None
    else:
        span = value
    if span < timedelta():
        raise UsageError(f"{name} {span}", "it is negative", "Give a duration of zero or more, like 14d")
    return span


def window(as_of: datetime, since: Instant | None = None, until: Instant | None = None, tz: str = "UTC") -> Window:
    """The window asked for, its end cut to `as_of`. Raises UsageError where it would be empty."""
    start = None if since is None else instant(since, tz, name="since")
    asked_end = as_of if until is None else instant(until, tz, name="until")
    end = min(asked_end, as_of)
    if start is not None and start >= end:
        raise UsageError(
            f"the window from {start.isoformat()} until {end.isoformat()}",
            "it ends before it begins" if start > end else "it is empty",
            f"Give a since before the until; the until is cut to as_of, {as_of.isoformat()}",
        )
    return Window(start, end, as_of)
