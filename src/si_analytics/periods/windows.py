"""Spans of time: what ``since``, ``until``, ``as_of`` and ``within`` mean.

Belongs here: reading instants and durations that people type, and the half-open window they make.
Nothing here reads a clock: ``as_of`` is the present. If one moment is needed, a span (``2026-01``, ``last 30 days``)
means its first moment, as a date means its midnight; today is the day of `as_of` in the given zone; a
duration (``14d``) means so many hours before `as_of`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from si_analytics.calendars import STANDARD, Calendar
from si_analytics.errors import UsageError
from si_analytics.periods import buckets, midnights, spans
from si_analytics.periods.midnights import day_that_begins, first_moment

Instant = datetime | date | str
Duration = spans.Duration
duration = spans.duration
zone = midnights.zone

_TICK = timedelta(microseconds=1)
_DAY = timedelta(days=1)
_MINUTES = re.compile(r"[0-9]+\s*m", re.ASCII | re.IGNORECASE)
_FORMS = "Write a date like 2026-01-31 or a time with its offset, like 2026-01-31T09:00:00Z"
_SPANS = f"Write {spans.FORMS}, or a duration like 14d"


@dataclass(frozen=True)
class Window:
    """The half-open span ``[since, until)`` as seen at ``as_of``; ``since`` is None for a window from the start.

    ``whole_until`` is the full end of a named period that as_of cuts short; else None.
    """

    since: datetime | None
    until: datetime
    as_of: datetime
    whole_until: datetime | None = None


def instant(
    value: Instant,
    tz: str = "UTC",
    *,
    name: str = "the time",
    as_of: datetime | None = None,
    calendar: Calendar = STANDARD,
) -> datetime:
    """Returns `value` as a UTC datetime. A date or a span of days means its first moment in `tz`.

    With `as_of` also accepts ``last month``, ``yesterday``, ``ytd``, and ``14d``: so long before it. Raises UsageError
    for a datetime without a zone, for nobody can know which moment it means.

    >>> instant("2026-01-31", "Europe/Berlin").isoformat()
    '2026-01-30T23:00:00+00:00'
    """
    if isinstance(value, str):
        value = _parsed(value, tz, name, as_of, calendar)
    if not isinstance(value, date):
        raise UsageError(f"{name} of type {type(value).__name__}", "it is no date or time", _FORMS)
    if isinstance(value, datetime) and value.utcoffset() is None:
        raise UsageError(
            f"{name} {value.isoformat()}",
            "it has no time zone, so it names no one moment",
            f"Add an offset, like {value.isoformat()}Z or {value.isoformat()}+02:00, or give a date",
        )
    try:
        return value.astimezone(UTC) if isinstance(value, datetime) else first_moment(value, zone(tz))
    except OverflowError:
        raise _beyond(name, value) from None


def _beyond(name: str, value: date) -> UsageError:
    return UsageError(f"{name} {value.isoformat()}", "it lies outside the years 1 to 9999", "Give a time within them")


def _parsed(text: str, tz: str, name: str, as_of: datetime | None, calendar: Calendar) -> datetime | date:
    days = spans.read(text, None if as_of is None else today(as_of, tz), calendar=calendar, name=name)
    if days is not None:
        return days.first
    if as_of is not None and (length := _length(text, name)) is not None:
        return _earlier(as_of, length, name)
    try:
        return datetime.fromisoformat(text.strip())
    except ValueError:
        forms = _FORMS if as_of is None else f"{_FORMS}; or {_SPANS.removeprefix('Write ')}"
        raise UsageError(f"{name} '{text}'", "it is no date or time", forms) from None


def today(as_of: datetime, tz: str = "UTC") -> date:
    """Returns the day of `as_of` in `tz`."""
    try:
        return as_of.astimezone(zone(tz)).date()
    except OverflowError:
        raise _beyond("the day", as_of) from None


def day_described(as_of: datetime, tz: str = "UTC") -> date:
    """Returns the day in `tz` of the last moment before `as_of`: at midnight, the day that just ended.

    >>> day_described(datetime(2026, 6, 1, tzinfo=UTC)).isoformat()
    '2026-05-31'
    """
    return today(as_of - _TICK, tz)


def day_from(moment: datetime, tz: str) -> date:
    """Returns the first day that begins at or after `moment` in `tz`."""
    day = today(moment, tz)
    return day if instant(day, tz) >= moment else day + _DAY


def _length(text: str, name: str) -> timedelta | None:
    """Returns `text` as a duration, None if it is not one; a bare m could mean minutes or months."""
    if _MINUTES.fullmatch(text.strip()):
        raise UsageError(
            f"{name} '{text}'", "m could be minutes or months", "Write 90min, or a span like last 3 months"
        )
    if not spans.begins_with_a_duration(text):
        return None
    return duration(text, name=name)


def _earlier(as_of: datetime, length: timedelta, name: str) -> datetime:
    try:
        return as_of - length
    except OverflowError:
        raise UsageError(f"{name} {length}", "that is before the year 1", "Give a shorter one, like 14d") from None


def span(
    value: date | str, as_of: datetime, tz: str = "UTC", *, name: str = "during", calendar: Calendar = STANDARD
) -> tuple[datetime, datetime]:
    """Returns where a span begins and ends: ``2026-Q1``, ``last 30 days``, a date; ``14d`` ends at `as_of`.

    >>> span("2026-01", datetime(2026, 6, 1, tzinfo=UTC))[1].isoformat()
    '2026-02-01T00:00:00+00:00'
    """
    now = instant(as_of, name="as_of")
    if isinstance(value, datetime) or not isinstance(value, date | str):
        raise UsageError(f"{name} of type {type(value).__name__}", "it is no span of days", _SPANS)
    text = value if isinstance(value, str) else value.isoformat()
    days = spans.read(text, today(now, tz), calendar=calendar, name=name)
    if days is not None:
        return instant(days.first, tz, name=name), instant(days.after, tz, name=name)
    length = _length(text, name)
    if length is None:
        raise UsageError(f"{name} '{text}'", "it is no span of days", _SPANS)
    return _earlier(now, length, name), now


def window(
    as_of: datetime,
    since: Instant | None = None,
    until: Instant | None = None,
    tz: str = "UTC",
    *,
    during: date | str | None = None,
    calendar: Calendar = STANDARD,
) -> Window:
    """Returns the window asked for, cut to `as_of`. Raises UsageError if it would be empty.

    `during` gives both ends at once. A span given as `since` or `until` means its first moment.

    >>> window(datetime(2026, 6, 1, tzinfo=UTC), during="2026-01").until.isoformat()
    '2026-02-01T00:00:00+00:00'
    """
    now = instant(as_of, name="as_of")
    start, whole = ends(now, since, until, tz, during=during, calendar=calendar)
    end = now if whole is None else min(whole, now)
    _require_room(start, end, now, named=during is not None)
    return Window(start, end, now, whole if during is not None and whole != end else None)


def ends(
    as_of: datetime,
    since: Instant | None = None,
    until: Instant | None = None,
    tz: str = "UTC",
    *,
    during: date | str | None = None,
    calendar: Calendar = STANDARD,
) -> tuple[datetime | None, datetime | None]:
    """Returns both ends of the window asked for, None for an open end; does not cut to `as_of`."""
    if during is not None and (since is not None or until is not None):
        raise UsageError("a window", "during gives both of its ends", "Leave since and until out, or during")
    if during is not None:
        return span(during, as_of, tz, calendar=calendar)
    start = None if since is None else instant(since, tz, name="since", as_of=as_of, calendar=calendar)
    end = None if until is None else instant(until, tz, name="until", as_of=as_of, calendar=calendar)
    if end is not None:
        _require_room(start, end, as_of)
    return start, end


def _require_room(start: datetime | None, end: datetime, as_of: datetime, *, named: bool = False) -> None:
    """Raises UsageError if nothing could lie between the ends, which a `named` period gives both."""
    if start is not None and start >= end:
        remedy = f"Give a since before the until; an until after the refresh's as_of, {as_of.isoformat()}, is cut to it"
        if named:
            remedy = f"Name a period that has begun before as_of, {as_of.isoformat()}, like yesterday or last month"
        found = "it ends before it begins" if start > end else "it is empty"
        raise UsageError(f"the window from {start.isoformat()} until {end.isoformat()}", found, remedy)


def before(window: Window, tz: str) -> Window | None:
    """Returns the window before, which all comparisons use; None if nothing can lie before.

    It has as many months if both ends begin months in `tz`, else as many local days if both are midnights, else the
    same length. For a period that as_of cuts short: the period before, from its start over the same elapsed time.

    >>> march = window(datetime(2026, 6, 1, tzinfo=UTC), during="2026-03")
    >>> before(march, "UTC").since.isoformat()
    '2026-02-01T00:00:00+00:00'
    """
    if window.since is None:
        return None
    begins, ends = _start(window.since, window.whole_until or window.until, tz), window.since
    if window.whole_until is not None:
        ends = min(ends, _elapsed(begins, window.since, window.until, tz))
    return Window(begins, ends, window.as_of) if begins < ends else None


def _start(since: datetime, until: datetime, tz: str) -> datetime:
    """Returns where the span before ``[since, until)`` begins; at the earliest, at the first possible moment."""
    first, after = day_that_begins(since, tz), day_that_begins(until, tz)
    try:
        if first is None or after is None:
            return since - (until - since)
        if first.day == after.day == 1:
            months = (after.year - first.year) * 12 + after.month - first.month
            return first_moment(buckets.months_later(first, -months), zone(tz))
        return first_moment(first - (after - first), zone(tz))
    except (OverflowError, ValueError):  # before the year 1
        return datetime.min.replace(tzinfo=UTC)


def _elapsed(begins: datetime, since: datetime, until: datetime, tz: str) -> datetime:
    """Returns the moment as long after `begins` as `until` is after `since`, in local days if all are midnights."""
    start, first, after = (day_that_begins(moment, tz) for moment in (begins, since, until))
    if start is None or first is None or after is None:
        return begins + (until - since)
    return first_moment(start + (after - first), zone(tz))


def last_year(window: Window, tz: str, *, by_week: bool = False) -> Window | None:
    """Returns the window a year earlier: both ends move by twelve months, or 52 weeks; None if nothing is left.

    29 February becomes 1 March, so a window of only the 29th has none. Local midnights stay midnights, other moments
    keep their local time of day in `tz`. For a period that as_of cuts short: that of last year, from its start over the
    same elapsed time, as in `before`.

    >>> march = window(datetime(2026, 6, 1, tzinfo=UTC), during="2026-03")
    >>> last_year(march, "UTC").until.isoformat()
    '2025-04-01T00:00:00+00:00'
    """
    try:
        since = None if window.since is None else _a_year_before(window.since, tz, by_week)
        until = _a_year_before(window.whole_until or window.until, tz, by_week)
        if window.whole_until is not None and window.since is not None and since is not None:
            until = min(until, _elapsed(since, window.since, window.until, tz))
    except (OverflowError, ValueError):  # before the year 1
        return None
    return Window(since, until, window.as_of) if since is None or since < until else None


def _a_year_before(moment: datetime, tz: str, by_week: bool) -> datetime:
    local = moment.astimezone(zone(tz))
    leap = (local.month, local.day) == (2, 29)
    day = local.date() - timedelta(weeks=52) if by_week else buckets.months_later(local.date() + leap * _DAY, -12)
    if day_that_begins(moment, tz) is not None:
        return first_moment(day, zone(tz))
    return datetime.combine(day, local.time(), zone(tz)).astimezone(UTC)
