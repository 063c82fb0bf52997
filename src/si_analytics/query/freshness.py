"""How old a warehouse's data are: its newest event and the snapshot it was read from; and when that is unusual.

Belongs here: the rule that makes an age unusual, and the sentences. Reads no clock.

An event is unusually old if nothing has happened for more than a day, and for more than twice the longest pause in
the ninety days before; without a pause to compare with, for more than thirty days. A snapshot is unusually old
after more than two days, and more than twice the longest pause between the last ten refreshes.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from datetime import datetime, timedelta

import duckdb

from si_analytics import formatting
from si_analytics.definitions import project
from si_analytics.periods import windows

_DAY = timedelta(days=1)
_LEAST_OF_EVENTS, _WITHOUT_PAUSE = _DAY, 30 * _DAY
_LEAST_OF_SNAPSHOTS = 2 * _DAY
_TIMES = 2
_REFRESHES = 11


@dataclass(frozen=True)
class Freshness:
    """The moment described, the newest event before it, the snapshot; and the usual pause for each.

    ``longest_pause`` is the longest between events in the ninety days up to the newest, ``between_refreshes`` the
    longest between the last refreshes; None if there are not two to compare.
    """

    as_of: datetime
    taken_at: datetime
    newest_event: datetime | None = None
    longest_pause: timedelta | None = None
    between_refreshes: timedelta | None = None

    @property
    def age(self) -> timedelta | None:
        """Time from the newest event to `as_of`; None if nothing ever happened."""
        return None if self.newest_event is None else self.as_of - self.newest_event

    @property
    def is_unusual(self) -> bool:
        """Whether nothing has happened for longer than usual here."""
        if self.age is None:
            return False
        usual = _WITHOUT_PAUSE if self.longest_pause is None else max(_TIMES * self.longest_pause, _LEAST_OF_EVENTS)
        return self.age > usual

    @property
    def snapshot_keeps(self) -> timedelta:
        """The age from which the snapshot is unusually old."""
        between = timedelta() if self.between_refreshes is None else self.between_refreshes
        return max(_TIMES * between, _LEAST_OF_SNAPSHOTS)

    @property
    def told(self) -> str:
        """How old the newest event is: ``Newest event 2026-05-31 22:10:00 UTC, 183 days before``."""
        if self.newest_event is None or self.age is None:
            return "Nothing has ever happened here"
        return f"Newest event {formatting.moment(self.newest_event)}, {span(self.age)} before"

    @property
    def warning(self) -> str:
        """What is unusual about that, in a sentence; empty if nothing is."""
        if self.age is None or not self.is_unusual:
            return ""
        usual = (
            "" if self.longest_pause is None else f"; until then no pause was longer than {span(self.longest_pause)}"
        )
        return f"Nothing has happened for {span(self.age)}{usual}: see whether all data arrives"


def of(connection: duckdb.DuckDBPyConnection, as_of: datetime) -> Freshness:
    """How old the warehouse's data are, as of the moment it describes."""
    happened_at, hours = _only(connection.sql(project().queries.newest_event.text, params={"as_of": as_of}))
    taken = [
        windows.instant(moment)
        for (moment,) in connection.sql(
            "select taken_at from meta.refreshes order by number desc limit $most", params={"most": _REFRESHES}
        ).fetchall()
    ]
    pauses = [later - earlier for later, earlier in itertools.pairwise(taken)]
    return Freshness(
        as_of=as_of,
        taken_at=taken[0],
        newest_event=None if happened_at is None else windows.instant(happened_at),
        longest_pause=None if hours is None else timedelta(hours=hours),
        between_refreshes=max(pauses, default=None),
    )


def span(length: timedelta) -> str:
    """A length of time in whole days, or in hours below two days: ``183 days``, ``1 hour``, ``less than an hour``."""
    if length >= 2 * _DAY:
        return formatting.plural(length // _DAY, "day")
    hours = length // timedelta(hours=1)
    return formatting.plural(hours, "hour") if hours else "less than an hour"


def _only(relation: duckdb.DuckDBPyRelation) -> tuple[datetime | None, int | None]:
    ((happened_at, hours),) = relation.fetchall()
    return happened_at, hours
