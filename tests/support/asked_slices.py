"""What can be asked of slices: measures, groupings, filters, windows and zones, drawn to fit each other.

Belongs here: the table of what each fact can be grouped by, the strategies for worlds and questions, and
short ways to ask the model.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from tests import model
from tests.model import Row, World
from tests.model.breakdowns import NONE
from tests.model.dimensions import CALENDAR, is_text
from tests.model.measures import parts_of
from tests.model.rules import first_moment
from tests.support.crowds import crowd
from tests.support.marketplaces import marketplaces
from tests.support.moments import AS_OF, FEBRUARY, MOMENTS, SUMMER_TIME, TICK, Draw
from tests.support.worlds import Build

GROUPINGS: dict[str, tuple[str, ...]] = {fact: model.groupings(fact) for fact in model.FACTS}
NAMES = (*model.MEASURES, *model.MADE, *model.MADE)
# Clocks change in Havana at midnight: one is skipped, another comes twice.
ZONES = ("UTC", "UTC", "Europe/Berlin", "America/Sao_Paulo", "Asia/Kolkata", "America/Havana")
CURRENCIES = ("usd", "usd", "usd", " USD ", "eur", "btc")
LATER = AS_OF + timedelta(days=335)  # 2 March 2027: with most of what happens, and its window last year
DAYS = (
    *(date(2025, 4, 1), date(2025, 10, 1), date(2025, 11, 2), date(2025, 12, 1), date(2025, 12, 15)),
    *(date(2026, 1, 1), date(2026, 1, 5), date(2026, 1, 10), date(2026, 1, 11), date(2026, 2, 1), date(2026, 2, 28)),
    *(date(2026, 3, 1), date(2026, 3, 8), date(2026, 3, 29), date(2026, 3, 30), date(2026, 4, 1), date(2026, 4, 5)),
    *(date(2026, 12, 1), date(2027, 1, 1), date(2027, 2, 1), date(2027, 3, 1), date(2024, 2, 29), date(2000, 1, 1)),
)
FILLED_DAYS = timedelta(days=130)  # more days or weeks than that are too many rows


def asked_rows(build: Build, *names: str, **asked: Any) -> list[Row]:
    """The rows of a slice of a world under construction, at AS_OF unless asked otherwise."""
    return model.slice_of(build.world, names, as_of=asked.pop("as_of", AS_OF), **asked)


def asked_tuples(build: Build, *names: str, **asked: Any) -> list[tuple[Any, ...]]:
    """The same as tuples of the rows' values."""
    return [tuple(row.values()) for row in asked_rows(build, *names, **asked)]


def slice_worlds() -> st.SearchStrategy[World]:
    """Small marketplaces and, as often, crowded ones, in which every cell has several facts."""
    return marketplaces() | st.builds(crowd, st.integers(0, 50))


def slice_as_ofs() -> st.SearchStrategy[datetime]:
    """Moments to ask at."""
    return st.sampled_from((AS_OF, AS_OF, AS_OF + TICK, SUMMER_TIME, FEBRUARY, LATER, LATER))


@st.composite
def asked_slices(draw: Draw, world: World, as_of: datetime = AS_OF) -> dict[str, Any]:
    """The arguments of `model.slice_of` but the world and as_of; what has its default is given, too."""
    names = draw(measures(world, as_of))
    shared = shared_groupings(names)
    by = draw(st.permutations(shared))[: draw(st.sampled_from((2, 1, 3, 2, 1, 0)))]
    if draw(st.booleans()):
        by.sort(key=lambda grouping: not is_text(grouping))  # of which there can be a top
    tz, currency = draw(st.sampled_from(ZONES)), draw(st.sampled_from(CURRENCIES))
    compare = draw(st.sampled_from(("previous", None, "year", None)))
    since, until = draw(slice_windows(tz, as_of, begins=compare is not None))
    fill = can_fill(by, since, min(until or as_of, as_of)) and draw(st.sampled_from((True, True, False)))
    week_start = draw(st.sampled_from((1, 1, 7, 3)))

    def seen(grouping: str) -> list[Any]:
        rows = model.slice_of(world, names, [grouping], as_of=as_of, tz=tz, currency=currency, week_start=week_start)
        return [row[grouping] for row in rows]

    filterable = [grouping for grouping in shared if grouping not in CALENDAR or not (fill or compare)]
    return {
        "names": names,
        "by": by,
        "where": draw(filters(filterable, by, seen)),
        "since": since,
        "until": until,
        "tz": tz,
        "currency": currency,
        "compare": compare,
        "top": draw(st.sampled_from((1, 2, None, 3))) if by and is_text(by[0]) else None,
        "totals": draw(st.booleans()),
        "fill": fill,
        "week_start": week_start,
    }


@st.composite
def measures(draw: Draw, world: World, as_of: datetime) -> list[str]:
    """One to three measures; mostly of facts that there are."""
    facts = {name for name, of in model.FACTS.items() if of(world, as_of)}
    likely = [name for name in NAMES if {part.fact for part in parts_of(name)} <= facts]
    one = st.sampled_from((*NAMES, *likely * 4))
    count = draw(st.sampled_from((2, 1, 3)))
    return draw(st.lists(one, min_size=count, max_size=count, unique=True))


def shared_groupings(names: Sequence[str]) -> list[str]:
    """What the facts of all these measures can be grouped by."""
    facts = [part.fact for name in names for part in parts_of(name)]
    return [each for each in GROUPINGS[facts[0]] if all(each in GROUPINGS[fact] for fact in facts)]


@st.composite
def slice_windows(
    draw: Draw, tz: str, as_of: datetime, begins: bool = False
) -> tuple[datetime | None, datetime | None]:
    """A valid (since, until): of telling moments, or of local midnights, of which most begin a month."""
    midnights = [first_moment(day, tz) for day in DAYS]
    # What is drawn oftenest comes first: with as much after it as before.
    bounds = sorted(draw(st.sampled_from((MOMENTS, midnights))), key=lambda moment: abs(moment - FEBRUARY))
    until = draw(st.sampled_from((None, None, *(moment for moment in bounds if moment > min(bounds)))))
    earlier = [moment for moment in bounds if moment < min(until or as_of, as_of)]
    return draw(st.sampled_from(earlier if begins else (None, None, *earlier))), until


def can_fill(by: Sequence[str], since: datetime | None, until: datetime) -> bool:
    """Whether there is one period to fill, and not thousands of them."""
    units = [grouping for grouping in by if grouping in CALENDAR]
    if len(units) != 1:
        return False
    return units[0] not in ("day", "week") or (since is not None and until - since < FILLED_DAYS)


@st.composite
def filters(
    draw: Draw, filterable: Sequence[str], by: Sequence[str], seen: Callable[[str], list[Any]]
) -> dict[str, Any] | None:
    """None or up to two filters, as likely by what is grouped by as by all else; values that occur, or one more."""
    likely = [grouping for grouping in by if grouping in filterable]
    groupings = st.sampled_from(filterable) | st.sampled_from(likely) if likely else st.sampled_from(filterable)
    found: dict[str, Any] = {}
    for grouping in draw(st.just([]) | st.lists(groupings, max_size=2, unique=True)):
        values = [value for value in seen(grouping) if value is not None]
        values += [NONE, "elsewhere"] if is_text(grouping) else []
        if values:
            one = st.sampled_from(values)
            found[grouping] = draw(one | st.lists(one, min_size=1, max_size=3, unique=True))
    return found or None
