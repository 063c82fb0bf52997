"""Any measure, by anything its facts can be grouped by, over any window: what was asked, and the answer.

Belongs here: checking a question as people write it, and running the query that `definitions.sliced` makes of it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from fractions import Fraction
from typing import Any, Literal

import duckdb
import polars as pl

from si_analytics.compute import facts, metrics
from si_analytics.compute.currencies import Present
from si_analytics.definitions import Fact, Measure, counting, grouping, project, sliced, trees
from si_analytics.definitions.fact_models import CALENDAR, CLOCK
from si_analytics.definitions.measured import Vocabulary
from si_analytics.errors import UnknownNameError, UsageError
from si_analytics.frames import Figure, Grouping, MeasureFrame
from si_analytics.periods import buckets, windows
from si_analytics.periods.windows import Window
from si_analytics.query import connection as query_connection
from si_analytics.query import filters, whole_sql
from si_analytics.query.question import Question, texts
from si_analytics.warehouse import local_offsets

Value = str | int | bool | date | None
Compare = Literal["previous", "year"]
AHEAD = timedelta(days=50 * 365)
"""For how long after as_of months are known: a user may be said to sign up later, and has a month all the same."""

COMPARISONS: tuple[Compare, ...] = ("previous", "year")
_FINEST: tuple[buckets.Unit, ...] = ("day", "week", "month", "quarter", "year")


@dataclass(frozen=True)
class SliceQuestion:
    """A slice as people ask for it: measures, groupings, filters, when, beside what, how much of it is shown."""

    measures: tuple[str, ...]
    by: tuple[str, ...] = ()
    where: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    question: Question = field(default_factory=Question)
    compare: str | None = None
    top: int | None = None
    totals: bool = False
    fill: bool = False


def question(
    names: Sequence[str],
    by: str | Sequence[str],
    where: Mapping[str, Value | Sequence[Value]] | None,
    when: Question,
    **shown: Any,
) -> SliceQuestion:
    """The question that these arguments make; `by` may be one text with commas."""
    groupings = [part.strip() for part in by.split(",") if part.strip()] if isinstance(by, str) else list(by)
    chosen = {name: texts(values) for name, values in (where or {}).items()}
    return SliceQuestion(tuple(names), tuple(groupings), chosen, when, **shown)


def words() -> Vocabulary:
    """All facts, dimensions and measures."""
    ours = project()
    return Vocabulary(ours.facts, ours.dimensions, ours.measures)


def measure(name: str) -> Measure:
    """The measure of that name; raises UnknownNameError that suggests the nearest."""
    known = project().measures
    if name in known:
        return known[name]
    hint = grouping.nearest(name, known)
    raise UnknownNameError(f"measure '{name}'", "there is none of that name", f"{hint}si measure --list names them all")


def facts_of(measures: Sequence[Measure]) -> tuple[Fact, ...]:
    """The facts that measures are worked out of, those of measures of measures as well."""
    ours = project()
    return tuple(ours.facts[name] for name in counting.leaves(measures, ours.measures))


def dimensions(name: str) -> tuple[str, ...]:
    """Everything a measure can be grouped by and filtered to: what all its facts have, then the calendar."""
    ours = project()
    each = [[path.name for path in grouping.paths(fact, ours.dimensions)] for fact in facts_of([measure(name)])]
    shared = [path for path in each[0] if all(path in other for other in each[1:])]
    return (*shared, *CALENDAR, *CLOCK)


@dataclass(frozen=True)
class _Prepared:
    """A slice ready to be run: its query, the values it is asked with, what it is of."""

    made: sliced.Asked
    values: dict[str, Any]
    measures: tuple[Measure, ...]
    parameters: metrics.Parameters
    before: Window | None


def _prepared(connection: duckdb.DuckDBPyConnection, asked: SliceQuestion, present: Present) -> _Prepared:
    """Checks the question and, for a top, asks which values that is; call within `query_connection.scratch`."""
    measures = tuple(measure(name) for name in asked.measures)
    _require_meaning(asked, measures)
    for name, chosen in asked.where.items():
        filters.require(sliced.path_of(sliced.Asked(asked.measures), words(), name), chosen, present.calendar)
    parameters = asked.question.parameters(present)
    before = _before(asked, parameters)
    made = _made(asked, parameters.window, before, parameters.tz, present)
    values = {**parameters.bound(), **_values(asked, made, parameters, before, present)}
    if made.top:
        values["top"] = _ranked(connection, asked, made, values, present)
    return _Prepared(made, values, measures, parameters, before)


def answer(connection: duckdb.DuckDBPyConnection, asked: SliceQuestion, present: Present) -> MeasureFrame:
    """The slice: one row per group, then the others and the total where they are asked for.

    Raises UsageError or UnknownNameError, with the choices, for a question that means nothing.
    """
    with query_connection.scratch(connection):
        one = _prepared(connection, asked, present)
        rows = run(connection, sliced.query(one.made, words()), one.values, present)
        return _framed(asked, one.measures, rows, one.parameters, one.before)


def sql(connection: duckdb.DuckDBPyConnection, asked: SliceQuestion, present: Present) -> str:
    """The whole query of a slice with its values, as it runs in the duckdb shell on the warehouse file."""
    with query_connection.scratch(connection):
        one = _prepared(connection, asked, present)
    tree = sliced.query(one.made, words())
    return whole_sql.shown(connection, tree.sql("duckdb"), inputs(tree), one.values, present)


def _require_meaning(asked: SliceQuestion, measures: Sequence[Measure]) -> None:
    """Raise for a question that means nothing, whatever the data are."""
    if not measures:
        raise UsageError("a slice", "it names no measure", "Name one: si measure --list")
    for name in (*asked.by, *asked.where):
        for each in measures:
            known = dimensions(each.name)
            if name not in known:
                hint = grouping.nearest(name, known)
                found = f"{each.name} cannot be grouped by it"
                raise UnknownNameError(f"'{name}'", found, f"{hint}{each.name} goes with: {', '.join(known)}")
    twice = [name for name in (*asked.by, *asked.measures) if [*asked.by, *asked.measures].count(name) > 1]
    if twice:
        raise UsageError(f"'{twice[0]}'", "it is asked for twice", "Name it once")
    made = sliced.Asked(asked.measures, asked.by)
    if asked.top is not None and (asked.top < 1 or not asked.by):
        raise UsageError("the top of a slice", "it needs a grouping and a number from 1", "Give by, and top=5 say")
    if asked.top is not None and not sliced.is_text(made, words(), asked.by[0]):
        raise UsageError(f"the top of {asked.by[0]}", "a period is not ranked", "Name another grouping first")
    if asked.compare is not None and asked.compare not in COMPARISONS:
        hint = grouping.nearest(asked.compare, COMPARISONS)
        raise UnknownNameError(f"compare '{asked.compare}'", "there is no such window", f"{hint}previous or year")
    if asked.fill and sum(name in CALENDAR for name in asked.by) != 1:
        raise UsageError("a slice with every period", "it is not by one calendar grouping", "Give one: by='month'")


def _before(asked: SliceQuestion, parameters: metrics.Parameters) -> Window | None:
    """The window that is compared with; raises UsageError where there is none."""
    if asked.compare is None:
        return None
    if asked.compare == "year":
        found = windows.last_year(parameters.window, parameters.tz, by_week="week" in asked.by)
    else:
        found = windows.before(parameters.window, parameters.tz)
    if found is None:
        raise UsageError(f"compare '{asked.compare}'", "nothing lies before all time", "Give since or during as well")
    return found


def _made(asked: SliceQuestion, now: Window, before: Window | None, tz: str, present: Present) -> sliced.Asked:
    periods = [name for name in _FINEST if name in asked.by]
    return sliced.Asked(
        asked.measures,
        asked.by,
        where={name: f"where_{at}" for at, name in enumerate(asked.where)},
        compared=before is not None,
        shifts=_shifts(asked, periods, (now, before), tz, present) if before else {},
        top=asked.top is not None,
        totals=asked.totals,
        fill=asked.fill,
        complete=periods[0] if periods else "",
        calendar=present.calendar,
        utc=tz == "UTC",
    )


def _shifts(
    asked: SliceQuestion, periods: Sequence[buckets.Unit], spans: tuple[Window, Window], tz: str, present: Present
) -> dict[str, tuple[str, int]]:
    """How far each calendar grouping of the window before moves, so that equal places of both windows meet."""
    now, before = spans
    if asked.compare == "year":
        if "week" in asked.by:
            return {name: ("day", 364) if name in {"day", "week"} else ("month", 12) for name in periods}
        return dict.fromkeys(periods, ("month", 12))
    found: dict[str, tuple[str, int]] = {}
    for name in periods:
        assert now.since is not None and before.since is not None
        one, two = (
            buckets.start_of(windows.today(each, tz), name, present.calendar) for each in (now.since, before.since)
        )
        unit, _ = sliced.STEPS[name]
        months = (one.year - two.year) * 12 + one.month - two.month
        found[name] = ("day", (one - two).days) if unit == "day" else ("month", months)
    return found


def _values(
    asked: SliceQuestion, made: sliced.Asked, parameters: metrics.Parameters, before: Window | None, present: Present
) -> dict[str, Any]:
    window, tz = parameters.window, parameters.tz
    found: dict[str, Any] = {made.where[name]: list(values) for name, values in asked.where.items()}
    found |= {"previous_since": before and before.since, "previous_until": before and before.until}
    # A period is whole if its first day begins in the window, and the day after its last has begun at its end.
    found["first_whole_day"] = None if window.since is None else windows.day_from(window.since, tz)
    found["last_whole_day"] = windows.today(window.until, tz)
    if asked.fill:
        (unit,) = [name for name in _FINEST if name in asked.by]
        last = windows.day_described(window.until, tz)
        for name, day in (("fill_first", window.since and windows.today(window.since, tz)), ("fill_last", last)):
            found[name] = day and buckets.start_of(day, unit, present.calendar)
    return found


def _ranked(
    connection: duckdb.DuckDBPyConnection,
    asked: SliceQuestion,
    made: sliced.Asked,
    values: Mapping[str, Any],
    present: Present,
) -> list[str]:
    """The values of the first grouping with the greatest first measure, greatest first; equal ones by their name."""
    query, over = sliced.ranking(made, words())
    ranks = {value: _exact(numbers, over) for value, *numbers in run(connection, query, values, present).fetchall()}
    ordered = sorted(ranks, key=lambda value: (value == grouping.NONE, value))
    known = [value for value in ordered if ranks[value] is not None]
    known.sort(key=lambda value: ranks[value] or 0, reverse=True)
    return [*known, *(value for value in ordered if ranks[value] is None)][: asked.top]


def _exact(numbers: Sequence[int | None], over: int) -> Fraction | None:
    """The first of the numbers over the product of all others; None where one is missing or nothing to divide by."""
    if None in numbers or 0 in numbers[1:]:
        return None
    return Fraction(int(numbers[0] or 0), over * math.prod(int(one or 0) for one in numbers[1:]))


def run(
    connection: duckdb.DuckDBPyConnection, query: Any, values: Mapping[str, Any], present: Present
) -> duckdb.DuckDBPyRelation:
    """The rows of a query of a slice, with those of the values that it names."""
    whole = facts.read(connection, query.sql("duckdb"), inputs(query), values["as_of"])
    if local_offsets.TABLE in whole:
        local_offsets.lay_out(connection, values["tz"], present.as_of + AHEAD)
    try:
        return connection.sql(whole, params=metrics.bindings(connection, whole, values)).execute()
    except duckdb.OutOfRangeException as error:
        raise UsageError(
            "a slice", "a sum in it has more digits than the 38 there is room for", "Ask for a shorter window"
        ) from error


def inputs(query: Any) -> tuple[str, ...]:
    """The facts and dimensions a query reads."""
    return tuple(dict.fromkeys(f"{table.db}.{table.name}" for table in query.find_all(trees.Table) if table.db))


def _framed(
    asked: SliceQuestion,
    measures: Sequence[Measure],
    rows: duckdb.DuckDBPyRelation,
    parameters: metrics.Parameters,
    before: Window | None,
) -> MeasureFrame:
    made = sliced.Asked(asked.measures, asked.by)
    groupings = [_grouping(sliced.path_of(made, words(), name)) for name in asked.by]
    figures = [Figure(each.name, each.unit, each.places, each.meaning, each.is_additive) for each in measures]
    return MeasureFrame.of(
        rows.pl(),
        groupings=tuple(groupings),
        figures=tuple(figures),
        currency=parameters.currency,
        tz=parameters.tz,
        since=parameters.window.since,
        until=parameters.window.until,
        compared=asked.compare if before else None,  # type: ignore[arg-type]
    )


def _grouping(path: grouping.Path) -> Grouping:
    if path.kind in {"text", "list"}:
        return Grouping(path.name, "text")
    return Grouping(path.name, "calendar" if path.kind == "calendar" else "number", path.unit)


def listing() -> pl.DataFrame:
    """One row per measure, by name: its unit, the facts it is of, how it is worked out, what it says."""
    rows = [
        {
            "name": each.name,
            "unit": each.unit,
            "places": each.places,
            "fact": ", ".join(fact.name for fact in facts_of([each])),
            "formula": each.formula.text,
            "meaning": each.meaning,
            "dimensions": list(dimensions(each.name)),
        }
        for each in project().measures.values()
    ]
    return pl.DataFrame(rows)
