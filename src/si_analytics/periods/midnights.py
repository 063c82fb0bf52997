"""When a day begins in a time zone, and which day begins at a moment.

Belongs here: midnights, also those that the clocks of a zone skip or show twice.
"""

from __future__ import annotations

import difflib
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from si_analytics import time_zones
from si_analytics.errors import UsageError


def zone(name: str) -> ZoneInfo:
    """Returns the IANA time zone of that name. Raises UsageError, with the nearest name, for an unknown one."""
    known = time_zones.names()
    if name not in known:
        by_lower = {each.lower(): each for each in sorted(known)}
        near = difflib.get_close_matches(name.lower().replace(" ", "_"), by_lower, n=1, cutoff=0.8)
        hint = f"Did you mean {by_lower[near[0]]}" if near else "Use one like UTC, Europe/Berlin, America/New_York"
        raise UsageError(f"time zone '{name}'", "it is not an IANA name", hint + ("?" if near else ""))
    return time_zones.named(name)


def first_moment(day: date, tz: ZoneInfo) -> datetime:
    """Returns when `day` begins in `tz`; if the clocks skip its midnight, the moment they do so."""
    midnight = datetime.combine(day, time(), tz)
    begins = midnight.astimezone(UTC)
    if begins.astimezone(tz).replace(tzinfo=None) == midnight.replace(tzinfo=None):
        return begins
    # Such a midnight lies after the change if read by the clock before it, and before if read by the clock after.
    before, step = midnight.replace(fold=1).astimezone(UTC), timedelta(seconds=1)
    while begins - before > step:
        middle = before + (begins - before) // step // 2 * step
        before, begins = (before, middle) if middle.astimezone(tz).date() >= day else (middle, begins)
    return begins


def day_that_begins(moment: datetime, tz: str) -> date | None:
    """Returns the day in `tz` that begins at `moment`; None if no day does."""
    try:
        day = moment.astimezone(zone(tz)).date()
        return day if first_moment(day, zone(tz)) == moment else None
    except OverflowError:  # the moment lies at the edge of the calendar
        return None
