"""When, where and in what somebody asks: window, moment, zone and currency as people write them.

Belongs here: `Question`, which every verb of the warehouse makes of its arguments, and the values of filters.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from si_analytics.compute import currencies, metrics
from si_analytics.compute.currencies import Present
from si_analytics.definitions.grouping import NONE
from si_analytics.errors import UsageError
from si_analytics.periods import windows
from si_analytics.periods.windows import Instant


@dataclass(frozen=True)
class Question:
    """When, where and in what a metric is asked for, as people write it; None means as in the refresh."""

    since: Instant | None = None
    until: Instant | None = None
    during: date | str | None = None
    as_of: Instant | None = None
    currency: str | None = None
    tz: str | None = None

    @property
    def is_windowed(self) -> bool:
        """Whether a window was asked for."""
        return (self.since, self.until, self.during) != (None, None, None)

    def parameters(self, present: Present) -> metrics.Parameters:
        """The parameters meant; raises UsageError, with the valid choices, for what means nothing."""
        zone = windows.zone(present.tz if self.tz is None else self.tz).key
        now = present.as_of if self.as_of is None else _past(self.as_of, zone, present)
        window = windows.window(now, self.since, self.until, zone, during=self.during, calendar=present.calendar)
        return metrics.Parameters(window, currencies.asked_for(self.currency, present), zone)


def _past(as_of: Instant, zone: str, present: Present) -> datetime:
    moment = windows.instant(as_of, zone, name="as_of", as_of=present.as_of, calendar=present.calendar)
    if moment > present.as_of:
        raise UsageError(
            f"as_of {moment.isoformat()}",
            f"the warehouse knows nothing after its refresh, as of {present.as_of.isoformat()}",
            "Give an earlier one, or refresh: si refresh",
        )
    return moment


def texts(values: Any, *, empty: str = NONE) -> tuple[str, ...]:
    """One value or several of a grouping, as they are compared; an `empty` text is what it is said to be."""
    listed = values if isinstance(values, list | tuple | set | frozenset) else [values]
    return tuple(_text(value, empty) for value in listed)


def _text(value: Any, empty: str) -> str:
    if value is None or value == "":
        return NONE if value is None else empty
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.date().isoformat() if isinstance(value, datetime) else str(value)
