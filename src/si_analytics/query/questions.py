"""When, where and in what a question is asked, as people write it; and its query with all that it needs.

Belongs here: what questions of metrics, measures and cells share.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import duckdb

from si_analytics.compute import currencies, facts, metrics
from si_analytics.compute.currencies import Present
from si_analytics.errors import UsageError
from si_analytics.periods import windows
from si_analytics.periods.windows import Instant
from si_analytics.warehouse import local_offsets


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


def shown(
    connection: duckdb.DuckDBPyConnection, text: str, inputs: Iterable[str], values: Mapping[str, Any], present: Present
) -> str:
    """A query with everything it needs beside the warehouse's tables: its values, and the offsets of the time zone."""
    from si_analytics.definitions import literals

    whole = facts.read(connection, text, inputs, values["as_of"])
    steps = {}
    if local_offsets.TABLE in whole:
        rows = [
            tuple(literals.moment(one) if isinstance(one, str) and one.endswith("infinity") else one for one in row)
            for row in local_offsets.rows(values["tz"], present.as_of)
        ]
        steps[local_offsets.TABLE] = literals.table(local_offsets.COLUMNS, rows)
    return literals.filled(whole, values, steps)
