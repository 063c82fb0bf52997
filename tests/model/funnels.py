"""Section 5, second half: how many units reach each stage, and how fast.

Belongs here: entrants, within, implied stages, the output rows.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from fractions import Fraction

from tests.model.funnel_groupings import Grouper
from tests.model.rules import (
    HOUR,
    Moment,
    earliest,
    half_away,
    in_window,
    percentile,
    ratio,
    span,
    utc,
    window,
)
from tests.model.units import STAGES, UNITS, Unit
from tests.model.world import Row, World

ALL = "all"
Journey = tuple[Moment | None, ...]  # when each stage was reached by its own event; None: it was not


def conversion_funnels(world: World, as_of: datetime, *, currency: str = "usd", tz: str = "UTC") -> list[Row]:
    """The five funnels, all time, no within, not broken down; by funnel, then stage."""
    return [row for name in sorted(STAGES) for row in funnel(world, name, as_of, tz=tz)]


def funnel(
    world: World,
    name: str,
    as_of: datetime,
    since: datetime | None = None,
    until: datetime | None = None,
    within: timedelta | None = None,
    by: str | Sequence[str] | None = None,
    *,
    currency: str = "usd",
    tz: str = "UTC",
    where: Mapping[str, Sequence[str]] | None = None,
) -> list[Row]:
    """One row per breakdown value among the entrants and stage; not broken down, every stage even if empty.

    Entrants are the units whose stage-1 time is in the window; what happened to them counts up to as_of. By several
    groupings a value is of all of them together, and each has a column. `where` keeps units with one of the values;
    what they are grouped by as well, they are under those values only.
    """
    if name not in UNITS:
        raise ValueError(f"there is no funnel {name}")
    as_of = utc(as_of, "as_of")
    start, end = window(as_of, since, until)
    if within is not None and within < timedelta():
        raise ValueError("within is negative")
    entrants = [unit for unit in UNITS[name](world, as_of) if in_window(unit.start, start, end)]
    grouper, groupings = Grouper(world, name, as_of, tz), [by] if isinstance(by, str) else list(by or ())
    wanted = {grouping: set(values) for grouping, values in (where or {}).items()}
    reading = {grouping: grouper.reads(grouping) for grouping in {*groupings, *wanted}}
    groups: dict[tuple[str, ...], list[Unit]] = {} if groupings else {(): []}
    for unit in entrants:
        under = {
            grouping: set(read(unit)) & wanted.get(grouping, set(read(unit))) for grouping, read in reading.items()
        }
        if all(under.values()):
            for values in itertools.product(*(under[grouping] for grouping in groupings)):
                groups.setdefault(values, []).append(unit)
    return [
        {
            "funnel": name,
            "breakdown": ", ".join(groupings) or ALL,
            "breakdown_value": " · ".join(values) if groupings else ALL,
            **(dict(zip(groupings, values, strict=True)) if len(groupings) > 1 else {}),
            **row,
        }
        for values in sorted(groups)
        for row in stage_rows(STAGES[name], groups[values], as_of, within)
    ]


def journey(unit: Unit, as_of: datetime, within: timedelta | None) -> Journey:
    """When the unit reached each stage by its own events, the first at its start."""
    return (unit.start, *(earliest(candidates, as_of, unit.start, within) for candidates in unit.later))


def stage_rows(stages: Sequence[str], units: Sequence[Unit], as_of: datetime, within: timedelta | None) -> list[Row]:
    """The rows of one group. A unit counts for a stage that it, or any later stage, was reached."""
    journeys = [journey(unit, as_of, within) for unit in units]
    # Implied stages: reaching stage k is having reached all before it.
    reached = [
        sum(any(moment is not None for moment in own[place:]) for own in journeys) for place in range(len(stages))
    ]
    immature = 0 if within is None else sum(as_of - unit.start < within for unit in units)
    found: list[Row] = []
    for place, stage in enumerate(stages):
        before = reached[place - 1] if place else None
        hours = hours_from_start(units, journeys, place)
        found.append(
            {
                "stage_number": place + 1,
                "stage": stage,
                "reached": reached[place],
                "dropped": 0 if before is None else before - reached[place],
                "conversion_from_previous": half_away(None if before is None else ratio(reached[place], before), 6),
                "conversion_from_start": half_away(ratio(reached[place], len(units)), 6),
                "median_hours_from_start": half_away(percentile(hours, Fraction(1, 2)), 2),
                "p90_hours_from_start": half_away(percentile(hours, Fraction(9, 10)), 2),
                "immature": immature,
            }
        )
    return found


def hours_from_start(units: Sequence[Unit], journeys: Sequence[Journey], place: int) -> list[Fraction]:
    """Hours to the stage's own known time, where that is not before the start; none for the first stage."""
    if place == 0:
        return []
    reached = ((unit.start, own[place]) for unit, own in zip(units, journeys, strict=True))
    return [span(moment - start, HOUR) for start, moment in reached if isinstance(moment, datetime) and moment >= start]
