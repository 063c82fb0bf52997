"""The moments tests happen at, and what can be asked about a marketplace.

Belongs here: a short list of telling times; strategies for times, windows, bounds and questions to
the funnels.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from tests.model import BREAKDOWNS, STAGES

AS_OF = datetime(2026, 4, 1, tzinfo=UTC)
START = datetime(2026, 1, 10, tzinfo=UTC)
TICK = timedelta(microseconds=1)
SUMMER_TIME = datetime(2026, 3, 29, 1, tzinfo=UTC)  # Europe/Berlin jumps from 02:00 to 03:00
WINTER_TIME = datetime(2025, 10, 26, 1, tzinfo=UTC)  # and falls from 03:00 to 02:00
FEBRUARY = datetime(2026, 2, 1, tzinfo=UTC)
BERLINS_2000 = datetime(1999, 12, 31, 23, tzinfo=UTC)
HALF_HOURS_STEP = timedelta(seconds=18)  # 0.005 h, a half of the last place shown
HALF_DAYS_STEP = timedelta(seconds=432)  # 0.005 d

MOMENTS: tuple[datetime, ...] = (
    *(START, START + HALF_HOURS_STEP, START + HALF_DAYS_STEP, START + TICK, START - HALF_HOURS_STEP),
    *(START + timedelta(hours=1), START + timedelta(days=1), START + timedelta(days=14), START - timedelta(days=40)),
    *(AS_OF, AS_OF - TICK, AS_OF + TICK, AS_OF - timedelta(hours=2), AS_OF + timedelta(days=300)),
    *(FEBRUARY, FEBRUARY - TICK, FEBRUARY - timedelta(hours=1), FEBRUARY + timedelta(hours=5)),
    *(SUMMER_TIME, SUMMER_TIME - TICK, WINTER_TIME, WINTER_TIME - TICK, WINTER_TIME - timedelta(minutes=30)),
    *(BERLINS_2000, BERLINS_2000 - TICK, BERLINS_2000 + timedelta(hours=1)),
)
MESSAGE_MOMENTS = (START, START + HALF_HOURS_STEP, START + timedelta(hours=1), AS_OF - TICK, AS_OF, None)
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Pacific/Kiritimati")

Draw = Callable[[st.SearchStrategy[Any]], Any]


def times() -> st.SearchStrategy[datetime | None]:
    """A moment of the list, or none."""
    return st.sampled_from((*MOMENTS, None, None, None))


def as_ofs() -> st.SearchStrategy[datetime]:
    """Moments to report at, most often AS_OF."""
    return st.sampled_from((AS_OF, AS_OF, AS_OF + TICK, START + timedelta(days=1), SUMMER_TIME, FEBRUARY, BERLINS_2000))


@st.composite
def windows(draw: Draw, as_of: datetime = AS_OF) -> tuple[datetime | None, datetime | None]:
    """A valid (since, until) for that as_of, either of them possibly None; until may lie beyond as_of."""
    until = draw(st.sampled_from((None, *(m for m in MOMENTS if m > min(MOMENTS)))))
    end = as_of if until is None else min(until, as_of)
    return draw(st.sampled_from((None, *(moment for moment in MOMENTS if moment < end)))), until


def withins() -> st.SearchStrategy[timedelta | None]:
    """No bound, nothing, halves of a step, days; up to as_of and beyond any calendar."""
    spans = (timedelta(), HALF_HOURS_STEP, timedelta(hours=1), timedelta(days=1), timedelta(days=14), AS_OF - START)
    return st.sampled_from((None, *spans, timedelta(days=3_000_000)))


@st.composite
def funnel_queries(draw: Draw, as_of: datetime = AS_OF) -> dict[str, Any]:
    """The arguments of `model.funnel` after the world and as_of."""
    name = draw(st.sampled_from(sorted(STAGES)))
    since, until = draw(windows(as_of))
    by = draw(st.sampled_from((None, *BREAKDOWNS[name])))
    tz = draw(st.sampled_from(ZONES))
    return {"name": name, "since": since, "until": until, "within": draw(withins()), "by": by, "tz": tz}
