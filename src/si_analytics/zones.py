"""Time zones: the one source of what a zone's clocks say, for Python and for every query alike.

Belongs here: reading the package tzdata, whose version is locked with the library's. What the machine, DuckDB and
Postgres bring of their own is of other versions: two sources would put one moment into two months. May import: nothing.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib import import_module, resources
from zoneinfo import ZoneInfo

_BEFORE_ALL = datetime(1800, 1, 1, tzinfo=UTC)  # towns went by their own sun; the first zone to change did so in 1844
_LAST = datetime(9999, 12, 30, tzinfo=UTC)  # the clocks of a zone can be asked for what the calendar has
_STEP = timedelta(days=3)  # no zone ever changed its clocks twice within so short a time
_FINE = timedelta(seconds=1)


@dataclass(frozen=True)
class Offset:
    """How far a zone's clocks are `ahead` of UTC from `begins_at` on, before `ends_at`; none where it is open."""

    begins_at: datetime | None
    ends_at: datetime | None
    ahead: timedelta


def version() -> str:
    """The source of all offsets, with its version: ``tzdata 2026f``."""
    return f"tzdata {import_module('tzdata').IANA_VERSION}"


@functools.cache
def names() -> frozenset[str]:
    """The IANA names of all time zones there are."""
    return frozenset(resources.files("tzdata").joinpath("zones").read_text(encoding="utf-8").split())


@functools.cache
def named(name: str) -> ZoneInfo:
    """The zone of that name, one of `names`; another is a KeyError."""
    if name not in names():
        raise KeyError(name)
    with resources.files("tzdata").joinpath("zoneinfo", *name.split("/")).open("rb") as file:
        return ZoneInfo.from_file(file, key=name)


def offsets(name: str, until: datetime) -> tuple[Offset, ...]:
    """Every offset of the zone from the beginning of time to `until`, in order; the last has no end.

    >>> [one.ahead.total_seconds() for one in offsets("UTC", datetime(2026, 6, 1, tzinfo=UTC))]
    [0.0]
    """
    zone = named(name)
    changes = [change for change in _changes(name, until.year) if change < until]
    aheads = [_ahead(zone, moment) for moment in (_BEFORE_ALL, *changes)]
    return tuple(map(Offset, [None, *changes], [*changes, None], aheads))


@functools.lru_cache(maxsize=64)
def _changes(name: str, year: int) -> tuple[datetime, ...]:
    """When the zone's clocks change, to the end of `year`."""
    return tuple(_found(named(name), _LAST if year >= _LAST.year else datetime(year + 1, 1, 2, tzinfo=UTC)))


def _found(zone: ZoneInfo, end: datetime) -> Iterator[datetime]:
    earlier, ahead = _BEFORE_ALL, _ahead(zone, _BEFORE_ALL)
    while earlier < end:
        later = min(earlier + _STEP, end)
        if (now := _ahead(zone, later)) != ahead:
            yield _change(zone, earlier, later)
        earlier, ahead = later, now


def _change(zone: ZoneInfo, before: datetime, after: datetime) -> datetime:
    """The second at which the clocks change, of which there is one between the two moments."""
    while after - before > _FINE:
        middle = before + (after - before) // _FINE // 2 * _FINE
        before, after = (before, middle) if _ahead(zone, middle) != _ahead(zone, before) else (middle, after)
    return after


def _ahead(zone: ZoneInfo, moment: datetime) -> timedelta:
    ahead = moment.astimezone(zone).utcoffset()
    assert ahead is not None  # a zone of IANA always knows
    return ahead


def differs_from(
    name: str, moments: Sequence[datetime], others: Sequence[timedelta]
) -> tuple[datetime, timedelta, timedelta] | None:
    """The first of `moments` at which another source's offset is not ours, with ours and the other's."""
    zone = named(name)
    for moment, other in zip(moments, others, strict=True):
        ours = _ahead(zone, moment)
        if ours != other:
            return moment, ours, other
    return None
