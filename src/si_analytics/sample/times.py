"""When things happen in the sample marketplace.

Belongs here: its fixed beginning and end, and the rhythm of years, seasons, weeks and hours.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from si_analytics.sample.randomness import Bools, Floats, Ints, Stream

START = datetime(2024, 1, 1, tzinfo=UTC)
END = datetime(2026, 6, 1, tzinfo=UTC)

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
NEVER = 2**61
"""A time that never comes; large enough to sort last, small enough to add to."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FIRST = (START - _EPOCH) // timedelta(microseconds=1)
LAST = (END - _EPOCH) // timedelta(microseconds=1)

# Slow summers and Januaries, a busy fourth quarter; quiet weekends; nights asleep.
_MONTH = (0.82, 0.9, 1.0, 1.05, 1.05, 0.95, 0.84, 0.82, 1.04, 1.12, 1.28, 1.13)
_WEEKDAY = (1.1, 1.15, 1.15, 1.1, 1.0, 0.62, 0.55)
_CLOCK = (0.4, 0.3, 0.25, 0.2, 0.2, 0.3, 0.5, 0.8, 1.1, 1.3, 1.4, 1.4)
_CLOCK_LATER = (1.3, 1.4, 1.5, 1.5, 1.5, 1.4, 1.3, 1.2, 1.1, 1.0, 0.8, 0.6)


class Rhythm:
    """How busy the marketplace is in each hour of its life; draws moments accordingly."""

    def __init__(self) -> None:
        days = np.arange((LAST - FIRST) // DAY)
        months = [(START + timedelta(days=int(day))).month - 1 for day in days]
        growth = 1.0 + days / 500.0
        daily = growth * np.array(_MONTH)[months] * np.array(_WEEKDAY)[days % 7]
        hourly = daily[:, None] * np.array(_CLOCK + _CLOCK_LATER)[None, :]
        self._weight: Floats = hourly.reshape(-1)
        self._before: Floats = np.concatenate(([0.0], np.cumsum(self._weight)))

    def after(self, stream: Stream, earliest: Ints) -> Ints:
        """For each `earliest`, one moment in [earliest, end); busy hours more often than quiet ones."""
        earliest = np.clip(earliest, FIRST, LAST - 1)
        cell = (earliest - FIRST) // HOUR
        share = (earliest - FIRST - cell * HOUR) / HOUR
        low = self._before[cell] + self._weight[cell] * share
        level = low + stream.uniform(len(earliest)) * (self._before[-1] - low)
        found = np.clip(np.searchsorted(self._before, level, side="right") - 1, 0, len(self._weight) - 1)
        within = (level - self._before[found]) / self._weight[found]
        moments = FIRST + found * HOUR + np.floor(within * HOUR).astype(np.int64)
        bounded: Ints = np.clip(moments, earliest, LAST - 1)
        return bounded


def seen(moments: Ints) -> Ints:
    """The moments before the end; later ones have not happened yet and become `NEVER`."""
    return np.where(moments < LAST, moments, NEVER)


def only(condition: Bools, moments: Ints) -> Ints:
    """The moments where the condition holds, `NEVER` elsewhere."""
    return np.where(condition, moments, NEVER)


def part(start: Ints, end: Ints, share: Floats) -> Ints:
    """The moment that lies that share (0 to 1) of the way from `start` to `end`."""
    return start + np.floor((end - start) * share).astype(np.int64)
