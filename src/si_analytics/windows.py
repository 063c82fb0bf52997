"""Spans of time: what ``since``, ``until``, ``as_of`` and ``within`` mean.

Belongs here: reading instants and durations that people type, and the half-open window they make.
Nothing here reads a clock: the present comes in as ``as_of``. May import: `errors`, `settings`.
"""

from __future__ import annotations

import difflib
import re
import zoneinfo
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from si_analytics import settings
from si_analytics.errors import UsageError

Instant = datetime | date | str
Duration = timedelta | str

_DURATION = re.compile(r"([0-9]+)\s*(w|d|h|min|m|s)(?![a-z])", re.ASCII)
_UNIT = {"w": "weeks", "d": "days", "h": "hours", "min": "minutes", "m": "minutes", "s": "seconds"}
_FORMS = "Write a date like 2026-01-31 or a time with its offset, like 2026-01-31T09:00:00Z"


@dataclass(frozen=True)
class Window:
    """The half-open span ``[since, until)`` as seen at ``as_of``; ``since`` none means from the start."""

    since: datetime | None
    until: datetime
    as_of: datetime


def zone(name: str) -> zoneinfo.ZoneInfo:
    """The IANA time zone of that name; raises UsageError, with the nearest name, where there is none."""
    known = settings.time_zones()
    if name not in known:
        by_lower = {each.lower(): each for each in sorted(known)}
        near = difflib.get_close_matches(name.lower().replace(" ", "_"), by_lower, n=1, cutoff=0.8)
        hint = f"Did you mean {by_lower[near[0]]}" if near else "Use one like UTC, Europe/Berlin, America/New_York"
        raise UsageError(f"time zone '{name}'", "it is not an IANA name", hint + ("?" if near else ""))
    return zoneinfo.ZoneInfo(name)


def instant(value: Instant, tz: str = "UTC", *, name: str = "the time") -> datetime:
    """`value` as a UTC datetime. A date, or a text without a time, is the first moment of that day in `tz`.

    Raises UsageError for a datetime without a zone: which moment it means cannot be known.

    >>> instant("2026-01-31", "Europe/Berlin").isoformat()
    '2026-01-30T23:00:00+00:00'
    """
    if isinstance(value, str):
        value = _parsed(value, name)
    if not isinstance(value, date):
        raise UsageError(f"{name} of type {type(value).__name__}", "it is no date or time", _FORMS)
    if isinstance(value, datetime) and value.utcoffset() is None:
        raise UsageError(
            f"{name} {value.isoformat()}",
            "it has no time zone, so it names no one moment",
            f"Add an offset, like {value.isoformat()}Z or {value.isoformat()}+02:00, or give a date",
        )
    try:
        return value.astimezone(UTC) if isinstance(value, datetime) else _first_moment(value, zone(tz))
    except OverflowError:
        raise UsageError(
            f"{name} {value.isoformat()}", "it lies outside the years 1 to 9999", "Give a time within them"
        ) from None


def _first_moment(day: date, tz: zoneinfo.ZoneInfo) -> datetime:
    """When `day` begins in `tz`; where the clocks skip its midnight, the moment they do."""
    midnight = datetime.combine(day, time(), tz)
    begins = midnight.astimezone(UTC)
    if begins.astimezone(tz).replace(tzinfo=None) == midnight.replace(tzinfo=None):
        return begins
    # Read by the clock before the change it lies behind the change, read by the clock after it, before.
    before, step = midnight.replace(fold=1).astimezone(UTC), timedelta(seconds=1)
    while begins - before > step:
        middle = before + (begins - before) // step // 2 * step
        before, begins = (before, middle) if middle.astimezone(tz).date() >= day else (middle, begins)
    return begins


def _parsed(text: str, name: str) -> datetime | date:
    for read in (date.fromisoformat, datetime.fromisoformat):
        try:
            return read(text.strip())
        except ValueError:
            continue
    raise UsageError(f"{name} '{text}'", "it is no date or time", _FORMS)


def duration(value: Duration, *, name: str = "within") -> timedelta:
    """`value` as a timedelta: ``14d``, ``36h``, ``2w``, ``1d 12h``, ``90min``; a day is 24 hours.

    Zero is allowed. Raises UsageError for what is negative or no duration.

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


def window(as_of: datetime, since: Instant | None = None, until: Instant | None = None, tz: str = "UTC") -> Window:
    """The window asked for, its end cut to `as_of`. Raises UsageError where it would be empty."""
    now = instant(as_of, name="as_of")
    start = None if since is None else instant(since, tz, name="since")
    end = now if until is None else min(instant(until, tz, name="until"), now)
    if start is not None and start >= end:
        raise UsageError(
            f"the window from {start.isoformat()} until {end.isoformat()}",
            "it ends before it begins" if start > end else "it is empty",
            f"Give a since before the until; an until after the refresh's as_of, {now.isoformat()}, is cut to it",
        )
    return Window(start, end, now)
