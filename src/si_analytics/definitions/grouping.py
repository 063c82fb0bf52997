"""What facts can be grouped by: paths such as ``agent.tier``, ``gig.brand.industry``, ``type`` and ``week``.

Belongs here: resolving a path from a fact through its links, and the value of it as a SQLGlot tree, null and empty
being ``(none)``. A dimension is left-joined on its unique key only, so that no fact is lost or counted twice.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from sqlglot import expressions as exp

from si_analytics.calendars import Calendar
from si_analytics.definitions import exact, trees
from si_analytics.definitions.fact_models import CALENDAR, CLOCK, LIST, MONTH_OF, Dimension, Fact, Link
from si_analytics.errors import UnknownNameError

NONE = "(none)"
"""What a group is called whose value is null or empty."""

Kind = Literal["text", "list", "calendar", "number"]


@dataclass(frozen=True)
class Step:
    """A join on the way of a path: the dimension, what it is called here, and the column that holds its key."""

    alias: str
    dimension: str
    key: str
    of: str
    column: str


@dataclass(frozen=True)
class Path:
    """One thing that facts can be grouped by, resolved: the joins on its way, and the column it ends in.

    ``unit`` is that of a calendar: ``week``; ``column`` is then the time it is taken of.
    """

    name: str
    kind: Kind
    of: str
    column: str
    steps: tuple[Step, ...] = ()
    unit: str = ""


@dataclass
class Joins:
    """The joins a query needs, each once, in order: dimensions by their key, and the offsets of a time zone.

    In `utc` no offset is needed.
    """

    steps: dict[str, Step] = field(default_factory=dict)
    offsets: dict[str, exp.Expr] = field(default_factory=dict)
    utc: bool = False

    def add(self, path: Path) -> None:
        """Make room for what the path reads."""
        for step in path.steps:
            self.steps.setdefault(step.alias, step)

    def local(self, time: exp.Column) -> exp.Expr:
        """The time as the clocks of the zone asked for show it."""
        microseconds = exp.func("epoch_us", time.copy())
        if self.utc:
            return exp.func("make_timestamp", microseconds)
        alias = f"{time.table}_{time.name}_offset"
        self.offsets.setdefault(alias, time)
        ahead = exp.column("ahead", alias)
        return exp.func("make_timestamp", exp.Add(this=microseconds, expression=ahead))

    def on(self, query: exp.Select) -> exp.Select:
        """The query with its joins."""
        for step in self.steps.values():
            table = trees.relation(step.dimension, "dimensions", step.alias)
            condition = exp.column(step.column, step.of).eq(exp.column(step.key, step.alias))
            query = query.join(table, on=condition, join_type="left", copy=False)
        for alias, time in self.offsets.items():
            table = trees.relation("local_offsets", alias=alias)
            query = query.join(table, on=_in_force(alias, time), join_type="left", copy=False)
        return query


def _in_force(alias: str, time: exp.Expr) -> exp.Expr:
    number = exp.func("greatest", exp.IntDiv(this=exp.func("epoch_us", time.copy()), expression=_bound("slice")), _0())
    return exp.and_(
        exp.column("zone", alias).eq(_bound("tz")),
        number.eq(exp.column("slice", alias)),
        time.copy() >= exp.column("begins_at", alias),
        time.copy() < exp.column("ends_at", alias),
    )


def resolve(fact: Fact, dimensions: Mapping[str, Dimension], name: str) -> Path:
    """The path `name` from the fact; raises UnknownNameError that suggests the nearest and lists what there is."""
    if name in CALENDAR or name in CLOCK:
        kind: Kind = "calendar" if name in CALENDAR else "number"
        return Path(name, kind, fact.name, fact.time, unit=name)
    for path in paths(fact, dimensions):
        if path.name == name:
            return path
    known = [path.name for path in paths(fact, dimensions)] + [*CALENDAR, *CLOCK]
    raise UnknownNameError(
        f"'{name}' of {fact.name}", f"{fact.name} cannot be grouped by it", f"{nearest(name, known)}{listed(known)}"
    )


def nearest(name: str, known: Iterable[str]) -> str:
    """A question that suggests the nearest of the known names; empty where none is near."""
    near = difflib.get_close_matches(name, list(known), n=1)
    return f"Did you mean '{near[0]}'? " if near else ""


def listed(known: Iterable[str]) -> str:
    """A sentence that lists what there is."""
    return f"There are: {', '.join(known)}"


def paths(fact: Fact, dimensions: Mapping[str, Dimension]) -> Iterator[Path]:
    """Everything the fact can be grouped by but the calendar: its own attributes, then what its links lead to."""
    for column in fact.attributes:
        yield Path(column.name, "list" if column.unit == LIST else "text", fact.name, column.name)
    for link in fact.links:
        yield from _through(link, fact.name, link.name, dimensions, ())


def _through(
    link: Link, of: str, name: str, dimensions: Mapping[str, Dimension], before: tuple[Step, ...]
) -> Iterator[Path]:
    """The dimension a link leads to, by its key, its attributes, and the dimensions it leads to itself."""
    dimension = dimensions[link.dimension]
    alias = name.replace(".", "_")
    steps = (*before, Step(alias, dimension.name, dimension.key, of, link.column))
    yield Path(name, "text", alias, dimension.key, steps)
    for column in dimension.attributes:
        if column.unit.startswith(MONTH_OF):
            time = column.unit.removeprefix(MONTH_OF)
            yield Path(f"{name}.{column.name}", "calendar", alias, time, steps, "month")
        else:
            kind: Kind = "list" if column.unit == LIST else "text"
            yield Path(f"{name}.{column.name}", kind, alias, column.name, steps)
    for further in dimension.links:
        if all(step.dimension != further.dimension for step in steps):
            yield from _through(further, alias, f"{name}.{further.name}", dimensions, steps)


def named(value: exp.Expr) -> exp.Expr:
    """A text, or what a group without one is called."""
    return exp.func("coalesce", exp.func("nullif", value, exp.Literal.string("")), exp.Literal.string(NONE))


def value(path: Path, joins: Joins, calendar: Calendar, named: Callable[[exp.Expr], exp.Expr] = named) -> exp.Expr:
    """The value of the path for a fact; of a list, the list of its distinct values.

    `named` says what a text is called, also where there is none.
    """
    joins.add(path)
    column = exp.column(path.column, path.of)
    if path.kind in {"calendar", "number"}:
        return _of_calendar(path.unit, joins.local(column), calendar)
    if path.kind == "text":
        return named(exact.cast(column, "varchar"))
    one_null = exact.cast(exp.Array(expressions=[exp.null()]), "varchar[]")
    length = exp.func("coalesce", exp.func("len", column.copy()), _0())
    values = exp.Case().when(length.eq(_0()), one_null).else_(column)
    each = exp.Lambda(this=named(exp.column("each")), expressions=[exp.to_identifier("each")])
    return exp.func("list_distinct", exp.Anonymous(this="list_transform", expressions=[values, each]))


def kept(values: exp.Expr, parameter: str) -> exp.Expr:
    """Those of a list's values that a parameter holds."""
    holds = exp.Anonymous(
        this="list_contains", expressions=[exact.cast(_bound(parameter), "varchar[]"), exp.column("each")]
    )
    each = exp.Lambda(this=holds, expressions=[exp.to_identifier("each")])
    return exp.Anonymous(this="list_filter", expressions=[values, each])


def unnested(alias: str, values: exp.Expr) -> exp.Expr:
    """A relation with a row per value of a list, in its column ``value``."""
    named = exp.TableAlias(this=exp.to_identifier(alias), columns=[exp.to_identifier("value")])
    return exp.Unnest(expressions=[values], alias=named)


def _of_calendar(unit: str, local: exp.Expr, calendar: Calendar) -> exp.Expr:
    """The first day of the period that a local time lies in, or its hour or day of the week."""
    if unit == "hour":
        return exp.Extract(this=exp.var("hour"), expression=local)
    if unit == "weekday":
        return exp.Extract(this=exp.var("isodow"), expression=local)
    if unit == "week" and calendar.week_start != 1:
        days = calendar.week_start - 1
        shifted = exact.cast(local, "date") - exp.Literal.number(days)
        return exact.cast(_truncated("week", shifted), "date") + exp.Literal.number(days)
    if unit == "quarter" and calendar.fiscal_start % 3 != 1:
        months = exp.Interval(this=exp.Literal.number(calendar.fiscal_start - 1), unit=exp.var("month"))
        begun = _truncated(unit, _truncated("month", local) - months)
        return exact.cast(begun + months.copy(), "date")
    if unit == "day":
        return exact.cast(local, "date")
    return exact.cast(_truncated(unit, local), "date")


def _truncated(unit: str, moment: exp.Expr) -> exp.Expr:
    return exp.Anonymous(this="date_trunc", expressions=[exp.Literal.string(unit), moment])


def _bound(name: str) -> exp.Placeholder:
    return exp.Placeholder(this=name)


def _0() -> exp.Expr:
    return exp.Literal.number(0)
