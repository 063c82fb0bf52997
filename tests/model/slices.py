"""Slices: any measures, by any of the groupings their facts share, in any window.

Belongs here: which facts are behind a cell, the cells there are, and the rows made of them.
"""

from __future__ import annotations

import itertools
import zoneinfo
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from tests.model.asked import Asked, check, filters_of
from tests.model.breakdowns import NONE
from tests.model.dimensions import (
    Dimensions,
    Reader,
    Value,
    dimensions,
    first_day,
    is_text,
    next_period,
)
from tests.model.facts import Fact
from tests.model.facts_of_people import FACTS
from tests.model.measures import change, change_ratio, counts, exact, is_time, rounded
from tests.model.rules import first_moment, in_window, reporting, utc, window
from tests.model.windows_compared import Window, compared_with, shift_of
from tests.model.world import Row, World

OTHERS, TOTAL = "(others)", "(total)"
KINDS = ("cell", "others", "total")


class Key(NamedTuple):
    """Which row it is: a cell, one of the others, or the total; and the values of its groupings."""

    kind: str
    values: tuple[Value, ...]


Cells = dict[Key, dict[str, list[Fact]]]


def slice_of(
    world: World,
    names: Sequence[str],
    by: Sequence[str] = (),
    where: dict[str, Any] | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    *,
    as_of: datetime,
    tz: str = "UTC",
    currency: str = "usd",
    compare: str | None = None,
    top: int | None = None,
    totals: bool = False,
    fill: bool = False,
    week_start: int = 1,
) -> list[Row]:
    """The rows in their order: cells, others, total.

    With `compare` (previous or year) each measure also has its value in that window and the change since. With
    `top`, so many values of the first grouping have rows of their own: those with the greatest first measure.
    """
    as_of = utc(as_of, "as_of")
    span = Window(*window(as_of, since, until))
    asked = Asked(tuple(names), tuple(by), filters_of(where), span, tz, reporting(currency), week_start, totals)
    check(asked, top, fill)
    return rows_of(world, asked, as_of, compare, top, fill)


def rows_of(world: World, asked: Asked, as_of: datetime, compare: str | None, top: int | None, fill: bool) -> list[Row]:
    """The rows of a question that has been checked."""
    every = {name: FACTS[name](world, as_of) for name in asked.facts}
    members = dimensions(world, as_of, asked.tz)
    reader = Reader(members, asked.tz, asked.week_start)
    if top is not None:
        asked = replace(asked, chosen=tuple(greatest(asked, every, reader)[:top]))
    now, before = cells_of(asked, every, reader), None
    if compare is not None:
        earlier, shifted = other_window(asked, members, compare)
        before = cells_of(replace(asked, window=earlier), every, shifted)
    keys = set(now) | set(before or ())
    if fill:
        keys |= set(filled(asked, keys))
    shown_kinds = top is not None or asked.totals
    return [
        row_of(key, asked, now.get(key, {}), None if before is None else before.get(key, {}), shown_kinds)
        for key in sorted(keys, key=lambda key: place_of(key, asked))
    ]


def other_window(asked: Asked, members: Dimensions, compare: str) -> tuple[Window, Reader]:
    """The window to compare with, and how its facts are read: in the periods of the window asked for."""
    by_week = "week" in asked.by
    earlier = compared_with(asked.window, compare, asked.tz, by_week)
    shift = shift_of(asked.window, earlier, compare, asked.tz, asked.week_start, by_week)
    return earlier, Reader(members, asked.tz, asked.week_start, shift)


def lies_in(fact: Fact, span: Window) -> bool:
    """Whether it is of the window; what has no time is of all time, so of a window without a beginning."""
    if fact.known_since is not None and fact.known_since >= span.until:
        return False
    if fact.time is None:
        return span.since is None
    return in_window(fact.time, span.since, span.until)


def matching(asked: Asked, name: str, facts: Iterable[Fact], reader: Reader) -> Iterator[Fact]:
    """The facts in the window that have, under each filtered grouping, one of the values asked for."""
    for fact in facts:
        if lies_in(fact, asked.window) and all(
            reader.values(name, fact, grouping) & wanted for grouping, wanted in asked.filters.items()
        ):
            yield fact


def keys_of(asked: Asked, name: str, fact: Fact, reader: Reader) -> set[Key]:
    """Every row in which the fact is counted."""
    found = {total_of(asked)} if asked.totals else set()
    values = []
    for grouping in asked.by:
        own = reader.values(name, fact, grouping)
        values.append(own & asked.filters[grouping] if grouping in asked.filters else own)
    for combined in itertools.product(*values):
        if asked.chosen is None or combined[0] in asked.chosen:
            found.add(Key("cell", combined))
        else:
            found.add(Key("others", (OTHERS, *combined[1:])))
    return found


def total_of(asked: Asked) -> Key:
    return Key("total", tuple(TOTAL if is_text(grouping) else None for grouping in asked.by))


def cells_of(asked: Asked, every: dict[str, list[Fact]], reader: Reader) -> Cells:
    """The rows there are, each with the facts behind it, in whatever currency.

    There is a row only where a measure counts a fact, which it does not of one in another currency or of one that its
    filter leaves out; without groupings, and for the total, there always is one.
    """
    cells: Cells = defaultdict(lambda: defaultdict(list))
    existing = {Key("cell", ())} if not asked.by else set()
    if asked.totals:
        existing.add(total_of(asked))
    for name, facts in every.items():
        for fact in matching(asked, name, facts, reader):
            keys = keys_of(asked, name, fact, reader)
            for key in keys:
                cells[key][name].append(fact)
            if any(counts(measure, name, fact, asked.currency) for measure in asked.names):
                existing |= keys
    return {key: dict(cells[key]) for key in existing}


def greatest(asked: Asked, every: dict[str, list[Fact]], reader: Reader) -> list[Value]:
    """The first grouping's values by the first measure, greatest first, nulls last, ties in order of the values."""
    alone = replace(asked, by=asked.by[:1], totals=False)
    exacts = {
        key.values[0]: exact(asked.names[0], of, asked.currency) for key, of in cells_of(alone, every, reader).items()
    }
    ordered = sorted(exacts, key=lambda value: order(value, asked.by[0]))
    known = [value for value in ordered if exacts[value] is not None]
    known.sort(key=lambda value: exacts[value], reverse=True)  # type: ignore[arg-type, return-value]
    return known + [value for value in ordered if exacts[value] is None]


def filled(asked: Asked, keys: Iterable[Key]) -> Iterator[Key]:
    """Every period of the window, for each combination of the other groupings that there is."""
    unit, place = asked.calendar[0], asked.by.index(asked.calendar[0])
    rows = {key for key in keys if key.kind != "total"}
    combined = {(key.kind, key.values[:place], key.values[place + 1 :]) for key in rows}
    if len(asked.by) == 1:
        combined.add(("cell", (), ()))
    for period in periods(asked, unit, [key.values[place] for key in rows]):
        for kind, left, right in combined:
            yield Key(kind, (*left, period, *right))


def periods(asked: Asked, unit: str, found: Iterable[Value]) -> Iterator[date]:
    """From that of since, or the first with a fact, to that of the last moment before until."""
    zone = zoneinfo.ZoneInfo(asked.tz)

    def period_of(moment: datetime) -> date:
        return first_day(moment.astimezone(zone).date(), unit, asked.week_start)

    dated = [value for value in found if isinstance(value, date)]
    if asked.window.since is None and not dated:
        return
    period = min(dated) if asked.window.since is None else period_of(asked.window.since)
    last = period_of(asked.window.until - timedelta(microseconds=1))
    while period <= last:
        if period in asked.filters.get(unit, {period}):
            yield period
        period = next_period(period, unit)


def order(value: Value, grouping: str) -> tuple[bool, Any]:
    """Ascending, with (none) last among texts and null last among all else."""
    if is_text(grouping):
        return value == NONE, value
    return value is None, 0 if value is None else value


def place_of(key: Key, asked: Asked) -> tuple[Any, ...]:
    """Cells, then others, then the total; with chosen values in the order in which they were chosen."""
    places = [order(value, grouping) for value, grouping in zip(key.values, asked.by, strict=True)]
    if asked.chosen is not None and key.kind == "cell":
        places[0] = (False, asked.chosen.index(key.values[0]))
    return (KINDS.index(key.kind), *places)


def row_of(
    key: Key, asked: Asked, now: dict[str, list[Fact]], before: dict[str, list[Fact]] | None, shows_kind: bool
) -> Row:
    """The groupings, the measures, whether the period is over, and which kind of row it is."""
    row: Row = dict(zip(asked.by, key.values, strict=True))
    for name in asked.names:
        row[name] = rounded(name, exact(name, now, asked.currency))
        if before is None:
            continue
        row[f"{name}_before"] = rounded(name, exact(name, before, asked.currency))
        if not is_time(name):
            row[f"{name}_change"] = change(name, row[name], row[f"{name}_before"])
            row[f"{name}_change_ratio"] = change_ratio(row[f"{name}_change"], row[f"{name}_before"])
    if asked.calendar:
        unit = asked.calendar[0]
        row["complete"] = None if key.kind == "total" else is_complete(row[unit], unit, asked)
    if shows_kind:
        row["row"] = key.kind
    return row


def is_complete(period: date | None, unit: str, asked: Asked) -> bool | None:
    """Whether the whole period lies in the window; null of no period."""
    if period is None:
        return None
    since, until = asked.window.since, asked.window.until
    begins, ends = first_moment(period, asked.tz), first_moment(next_period(period, unit), asked.tz)
    return (since is None or since <= begins) and ends <= until
