"""Turns local times without an offset into moments.

Belongs here: finding the moment of a local time in a zone, and whether there is none or two.

Offsets come from `windows.zone`, as everywhere in the library, never from Postgres's or another library's copy of
the zones.
"""

from __future__ import annotations

import functools
import zoneinfo
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl

from si_analytics.periods import windows

SKIPPED, TWICE = "skipped", "twice"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND = 1_000_000
_DAY = 86_400 * _SECOND
_FIRST, _LAST = (-62_135_596_800 * _SECOND + 3 * _DAY, 253_402_300_800 * _SECOND - 3 * _DAY)  # years 1 and 9999, nearly


def moments(local: pl.Series, zone: str) -> tuple[pl.Series, pl.Series]:
    """Returns the moments of local times in `zone`, and for each time that is not one moment, the reason.

    A time that the clocks skip or show twice is null, and the second series says which.
    """
    known = local.is_not_null().to_numpy()
    given = local.to_physical().fill_null(0).to_numpy()
    inside = known & (given >= _FIRST) & (given <= _LAST)
    if not inside.any():
        return _as_moments(given, inside), pl.Series([None] * len(local), dtype=pl.String)
    begins, offsets = _offsets(zone, int(given[inside].min()) - 2 * _DAY, int(given[inside].max()) + 2 * _DAY)
    ends = np.append(begins[1:], np.iinfo(np.int64).max)
    near = np.searchsorted(begins, given, side="right") - 1
    found, matches = np.zeros(len(given), dtype=np.int64), np.zeros(len(given), dtype=np.int64)
    for step in (-1, 0, 1):
        span = np.clip(near + step, 0, len(begins) - 1)
        moment = given - offsets[span]
        fits = (moment >= begins[span]) & (moment < ends[span]) & (near + step == span)
        matches += fits & ~((matches > 0) & (found == moment))
        found = np.where(fits, moment, found)
    verdict = pl.Series(np.where(matches == 1, "", np.where(matches == 0, SKIPPED, TWICE)))
    good = inside & (matches == 1)
    wrong = pl.Series(inside & (matches != 1))
    return _as_moments(found, good), pl.select(pl.when(wrong).then(verdict)).to_series()


def _as_moments(micros: np.ndarray, good: np.ndarray) -> pl.Series:
    made = pl.select(pl.when(pl.Series(good)).then(pl.Series(micros, dtype=pl.Int64))).to_series()
    return made.cast(pl.Datetime("us", "UTC"))


def _offsets(zone: str, first: int, last: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns when each offset begins, and the offsets, both in microseconds; the first begins before all time."""
    years = range(_at(max(first, _FIRST)).year, _at(min(last, _LAST)).year + 1)
    tz = windows.zone(zone)
    start = _at(max(first, _FIRST)).replace(month=1, day=1, hour=0, minute=0, second=0, microsecond=0)
    start = max(start, _at(_FIRST))
    changes = [(np.iinfo(np.int64).min // 2, _offset(tz, start))]
    for year in years:
        changes += _changes(zone, year)
    return np.array([when for when, _ in changes]), np.array([offset for _, offset in changes])


@functools.lru_cache(maxsize=4096)
def _changes(zone: str, year: int) -> tuple[tuple[int, int], ...]:
    """Returns the moments of a year at which the offset changes, and the new offsets."""
    tz = windows.zone(zone)
    day = max(datetime(year, 1, 1, tzinfo=UTC), _at(_FIRST))
    end = datetime(year + 1, 1, 1, tzinfo=UTC) if year < 9999 else _at(_LAST)
    found, before = [], _offset(tz, day)
    while day < end:
        following = min(day + timedelta(days=1), end)
        if (after := _offset(tz, following)) != before:
            found.append((_changed(tz, day, following), after))
        day, before = following, after
    return tuple(found)


def _changed(tz: zoneinfo.ZoneInfo, day: datetime, following: datetime) -> int:
    """Returns the second between the two at which the later one's offset begins."""
    low, high, old = int((day - _EPOCH).total_seconds()), int((following - _EPOCH).total_seconds()), _offset(tz, day)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if _offset(tz, _at(middle * _SECOND)) == old else (low, middle)
    return high * _SECOND


def _offset(tz: zoneinfo.ZoneInfo, moment: datetime) -> int:
    offset = moment.astimezone(tz).utcoffset()
    assert offset is not None
    return offset // timedelta(microseconds=1)


def _at(micros: int) -> datetime:
    return _EPOCH + timedelta(microseconds=micros)
