"""Time zones: the one source of every zone's offsets, for Python and for every query.

Belongs here: reading the package tzdata, whose version is locked with the library's. The machine, DuckDB and
Postgres bring other versions, and two sources could put one moment into two months.
"""

from __future__ import annotations

import functools
import zoneinfo
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib import import_module, resources
from pathlib import Path
from zoneinfo import ZoneInfo

_BEFORE_ALL = datetime(1800, 1, 1, tzinfo=UTC)  # towns used solar time; the first zone changed its clocks in 1844
_LAST = datetime(9999, 12, 30, tzinfo=UTC)  # every zone's local time then still fits the calendar
_STEP = timedelta(days=3)  # no zone ever changed its clocks twice in so short a time
_FINE = timedelta(seconds=1)


@dataclass(frozen=True)
class Offset:
    """How far a zone is `ahead` of UTC, from `begins_at` on and before `ends_at`; None for an open end."""

    begins_at: datetime | None
    ends_at: datetime | None
    ahead: timedelta


def version() -> str:
    """Returns the source of all offsets with its version: ``tzdata 2026f``."""
    return f"tzdata {import_module('tzdata').IANA_VERSION}"


@functools.cache
def names() -> frozenset[str]:
    """Returns the IANA names of all time zones."""
    return frozenset(resources.files("tzdata").joinpath("zones").read_text(encoding="utf-8").split())


@functools.cache
def named(name: str) -> ZoneInfo:
    """Returns the zone of that name. Raises KeyError for a name that is not in `names`."""
    if name not in names():
        raise KeyError(name)
    with resources.files("tzdata").joinpath("zoneinfo", *name.split("/")).open("rb") as file:
        return ZoneInfo.from_file(file, key=name)


def offsets(name: str, until: datetime) -> tuple[Offset, ...]:
    """Returns every offset of the zone from the beginning of time to `until`, in order; the last has no end.

    >>> [one.ahead.total_seconds() for one in offsets("UTC", datetime(2026, 6, 1, tzinfo=UTC))]
    [0.0]
    """
    zone = named(name)
    changes = [change for change in _changes(name, until.year) if change < until]
    aheads = [ahead(zone, moment) for moment in (_BEFORE_ALL, *changes)]
    return tuple(map(Offset, [None, *changes], [*changes, None], aheads))


@functools.lru_cache(maxsize=64)
def _changes(name: str, year: int) -> tuple[datetime, ...]:
    """Returns when the zone's clocks change, to the end of `year`."""
    return tuple(_found(named(name), _LAST if year >= _LAST.year else datetime(year + 1, 1, 2, tzinfo=UTC)))


def _found(zone: ZoneInfo, end: datetime) -> Iterator[datetime]:
    earlier, then = _BEFORE_ALL, ahead(zone, _BEFORE_ALL)
    while earlier < end:
        later = min(earlier + _STEP, end)
        if (now := ahead(zone, later)) != then:
            yield _change(zone, earlier, later)
        earlier, then = later, now


def _change(zone: ZoneInfo, before: datetime, after: datetime) -> datetime:
    """Returns the second of the one clock change between the two moments."""
    while after - before > _FINE:
        middle = before + (after - before) // _FINE // 2 * _FINE
        before, after = (before, middle) if ahead(zone, middle) != ahead(zone, before) else (middle, after)
    return after


def of_machine(name: str) -> ZoneInfo | None:
    """Returns the zone from the machine's own files, for comparison; None if it has no such file."""
    for folder in zoneinfo.TZPATH:
        path = Path(folder, *name.split("/"))
        if path.is_file():
            with path.open("rb") as file:
                return ZoneInfo.from_file(file, key=name)
    return None


def probes(name: str, since: datetime, until: datetime) -> list[datetime]:
    """Returns moments at which to compare another source with ours: each day, and around each clock change."""
    daily = [since + timedelta(days=number) for number in range((until - since).days + 1)]
    changes = [change for change in _changes(name, until.year) if since < change < until]
    return sorted({*daily, *changes, *(change - _FINE for change in changes)})


def first_difference(
    name: str, moments: Sequence[datetime], others: Iterable[timedelta]
) -> tuple[datetime, timedelta, timedelta] | None:
    """Returns the first of `moments` at which another source differs, with our offset and its; None if none does."""
    zone = named(name)
    told = ((moment, ahead(zone, moment), other) for moment, other in zip(moments, others, strict=True))
    return next((one for one in told if one[1] != one[2]), None)


def ahead(zone: ZoneInfo, moment: datetime) -> timedelta:
    """Returns how far the clocks of `zone` are ahead of UTC at `moment`."""
    offset = moment.astimezone(zone).utcoffset()
    assert offset is not None  # an IANA zone always has an offset
    return offset
