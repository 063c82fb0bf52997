"""The facts behind a number that is a measure: a cell of a slice, or of a metric that stands on facts.

Belongs here: which measure a cell of a metric is, and the query of the facts it takes in. How they make up the number
follows from the measure.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import duckdb
from sqlglot import expressions as exp

from si_analytics.compute import facts, metrics
from si_analytics.compute.currencies import Present
from si_analytics.definitions import Measure, behind, exact, grouping, measured, project, sliced
from si_analytics.definitions.expressions import Aggregate, Arithmetic, Named, Part
from si_analytics.definitions.fact_models import SCALES
from si_analytics.definitions.models import Metric
from si_analytics.errors import UsageError
from si_analytics.periods.windows import Window
from si_analytics.query import filters, slices
from si_analytics.query.question import texts
from si_analytics.query.slices import SliceQuestion
from si_analytics.warehouse import local_offsets

_NO_GROUPING = {"complete", "row"}
Of = tuple[Measure, Mapping[str, Sequence[str]]]
"""A measure, and the values of the paths that its facts have."""

_COMPARE, _SHARE = "compare ", 6
_WAYS = {"sum": "sum of value", "min": "least value", "max": "greatest value"}


@dataclass(frozen=True)
class Making:
    """How the rows behind a cell make it up: in words, the places it is rounded to, what it says without any row."""

    how: str
    decimals: int | None = None
    empty: str | None = None


def making(measure: Measure) -> Making:
    """How facts make up a measure."""
    tree = measure.formula.tree
    if isinstance(tree, Aggregate):
        over = exact.MICROSECONDS.get(measure.unit)
        way = _way(tree) + (f" / {over}" if over else "")
        absent = "0" if tree.function in {"sum", "count"} else "null"
        return Making(way, measure.places or None if "of value" in way else None, absent)
    names = iter(behind.parts(measure, slices.words()))
    return Making(_in_words(measure, tree, names), measure.places)


def _in_words(measure: Measure, tree: Part, names: Iterator[behind.Behind]) -> str:
    """How the parts of a measure make it up: ``number of rows of accepted / number of rows of sent``."""
    if isinstance(tree, Arithmetic):
        return f"{_in_words(measure, tree.left, names)} {tree.sign} {_in_words(measure, tree.right, names)}"
    if isinstance(tree, Aggregate):
        return f"{_way(tree)} of {next(names).name}"
    if isinstance(tree, Named):
        other = project().measures[tree.measure]
        return _in_words(other, other.formula.tree, names)
    return str(tree.value)


def _way(one: Aggregate) -> str:
    if one.function == "count":
        return "number of different values" if one.distinct else "number of rows"
    if one.function == "percentile":
        assert one.share is not None
        return "median of value" if one.share * 2 == 1 else f"p{float(one.share * 100):g} of value"
    return _WAYS.get(one.function, "mean of value")


def of_slice(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    cell: Mapping[str, Any],
    asked: SliceQuestion,
    present: Present,
) -> duckdb.DuckDBPyRelation:
    """The facts behind measure `name` in a cell of a slice: its groupings' values, or a row of the answer.

    Call within `query_connection.scratch`. Raises UsageError for a cell of others, which is not one value.
    """
    if cell.get("row") == "others":
        raise UsageError(f"the others of {name}", "they are pooled", "Name one value of the grouping")
    known = slices.dimensions(name)
    chosen = {} if cell.get("row") == "total" else {key: value for key, value in cell.items() if key in known}
    strange = [key for key in cell if key not in known and not _of_answer(key)]
    if strange:
        hint = grouping.nearest(strange[0], known)
        raise UsageError(
            f"a cell of {name}", f"it cannot be grouped by {strange[0]}", f"{hint}{grouping.listed(known)}"
        )
    where = {**asked.where, **{key: texts(value) for key, value in chosen.items()}}
    for key, values in where.items():
        filters.require(sliced.path_of(sliced.Asked((name,)), slices.words(), key), values, present.calendar)
    parameters = asked.question.parameters(present)
    one = (slices.measure(name), where)
    found = rows(connection, [one], parameters, parameters.window, present)
    return found.limit(0) if _is_null(connection, one, parameters, parameters.window, present) else found


def _is_null(
    connection: duckdb.DuckDBPyConnection, one: Of, parameters: metrics.Parameters, window: Window, present: Present
) -> bool:
    """Whether the cell is null, which has no rows behind it, although there are facts: a share of 0, other money."""
    measure, where = one
    other_money = measure.unit == exact.USD and parameters.currency != exact.USD
    if other_money or isinstance(measure.formula.tree, Aggregate):
        return other_money
    words = slices.words()
    measure = measure.model_copy(update={"name": "the cell"})  # a cell may be called as the measure it is made of
    words = replace(words, measures={**words.measures, measure.name: measure})
    made, chosen = _asked(measure, where, 0, parameters, present)
    values = {**parameters.bound(), "since": window.since, "until": window.until, **chosen}
    ((value,),) = slices.run(connection, sliced.query(made, words), values, present).fetchall()
    return value is None


def _asked(
    measure: Measure, where: Mapping[str, Sequence[str]], number: int, parameters: metrics.Parameters, present: Present
) -> tuple[sliced.Asked, dict[str, list[str]]]:
    """A slice of one measure by nothing, and the values of its filters by the parameters that hold them."""
    names = {path: f"where_{number}_{at}" for at, path in enumerate(where)}
    made = sliced.Asked((measure.name,), where=names, calendar=present.calendar, utc=parameters.tz == "UTC")
    return made, {names[path]: list(chosen) for path, chosen in where.items()}


def _of_answer(key: str) -> bool:
    """Whether it is a column of a slice that is no grouping: a measure, or what is said beside it."""
    names = project().measures
    base = key
    for after in (sliced.CHANGE_RATIO, sliced.CHANGE, sliced.BEFORE):
        base = base.removesuffix(after)
    return key in _NO_GROUPING or key in names or base in names


def rows(
    connection: duckdb.DuckDBPyConnection,
    asked: Sequence[Of],
    parameters: metrics.Parameters,
    window: Window,
    present: Present,
) -> duckdb.DuckDBPyRelation:
    """The facts that measures take in, in the window, each with its value; what is made of several says which part."""
    words, values = slices.words(), {**parameters.bound(), "since": window.since, "until": window.until}
    several = sum(len(behind.parts(measure, words)) for measure, _ in asked) > 1
    each: list[exp.Select] = []
    times: dict[str, None] = {}
    for number, (measure, where) in enumerate(asked):
        made, chosen = _asked(measure, where, number, parameters, present)
        values |= chosen
        for part in behind.parts(measure, words):
            each.append(behind.rows(made, words, part, of_several=several))
            times[words.facts[part.leaf.fact].time] = None
    tree: exp.Query = each[0] if len(each) == 1 else exp.union(*each, distinct=False)
    tree.set("by_name", len(each) > 1)
    text = facts.read(connection, tree.sql("duckdb"), slices.inputs(tree), values["as_of"])
    if local_offsets.TABLE in text:
        local_offsets.lay_out(connection, values["tz"], present.as_of + slices.AHEAD)
    found = connection.sql(text, params=metrics.bindings(connection, text, values))
    if not several:
        return found.order(", ".join([*times, "source_id"]))
    order = [part.name for measure, _ in asked for part in behind.parts(measure, words)]
    place = duckdb.FunctionExpression(
        "list_position", duckdb.ConstantExpression(order), duckdb.ColumnExpression("part")
    )
    last = ("source_table", "source_id", "value")
    shown = [name for name in found.columns if name not in last]
    return found.sort(place, *map(duckdb.ColumnExpression, (*times, "source_id"))).select(
        *map(duckdb.ColumnExpression, (*shown, *last))
    )


@dataclass(frozen=True)
class _Shown:
    """What a column of a metric is: measures, each of which groups of facts, and how they make it up."""

    of: tuple[Of, ...]
    making: Making


def columns(metric: Metric) -> tuple[str, ...]:
    """The columns of a metric that are measures of facts, or the sum or count of a mean."""
    own = {column.name for column in metric.columns}
    return tuple(dict.fromkeys([column for column in (*metric.cells, *metric.shows) if column in own]))


def how(metric: Metric, column: str) -> Making:
    """How facts make up a column that `columns` lists."""
    return _shown(metric, column, {}).making


def of_metric(
    connection: duckdb.DuckDBPyConnection,
    metric: Metric,
    column: str,
    row: Mapping[str, Any],
    parameters: metrics.Parameters,
) -> duckdb.DuckDBPyRelation:
    """The facts behind a cell in a row of a metric, which holds its key at least.

    Call within `query_connection.scratch`.
    """
    keys = _keys(connection, metric, column, row)
    shown = _shown(metric, column, keys)
    window = parameters.window
    span = window if metric.window else Window(None, window.as_of, window.as_of)
    present = Present(window.as_of, parameters.currency, parameters.tz)
    found = rows(connection, shown.of, parameters, span, present)
    if metric.cells.get(column, "").endswith(".count"):
        is_null = False  # a mean of other money is null, the number of its facts is not
    elif len(shown.of) == 1 and not metric.shows.get(column, "").startswith(_COMPARE):
        is_null = _is_null(connection, shown.of[0], parameters, span, present)
    else:
        is_null = _cell(connection, metric, column, row, parameters) is None
    return found.limit(0) if is_null else found


def _cell(
    connection: duckdb.DuckDBPyConnection,
    metric: Metric,
    column: str,
    row: Mapping[str, Any],
    parameters: metrics.Parameters,
) -> Any:
    """What stands in the cell of a metric."""
    keys = [
        duckdb.ColumnExpression(name).cast("varchar") == duckdb.ConstantExpression(str(row[name]))
        for name in metric.key
    ]
    rows_ = metrics.evaluate(connection, metric.name, parameters)
    found = rows_.filter(functools.reduce(operator.and_, keys)).select(column).fetchone()
    return found[0] if found else None


def _shown(metric: Metric, column: str, keys: Mapping[str, Mapping[str, Any]]) -> _Shown:
    words, written, part = slices.words(), metric.shows.get(column, ""), ""
    if column in metric.cells:
        one, part = measured.cell(metric, column, words)
    elif written in words.measures:
        one = words.measures[written]
    else:
        return _of_slices(metric, written, keys, words)
    where = {path: texts(value) for path, value in keys.get("", {}).items()}
    return _Shown(((one, where),), _of_mean(one, part, words) if part else making(one))


def _of_mean(mean: Measure, part: str, words: measured.Vocabulary) -> Making:
    """How facts make up a part of a mean: their number, or their sum as a whole number of the column's last place."""
    if part == "count":
        return Making("number of rows", empty="0")
    (aggregate,) = mean.formula.aggregates
    scale = SCALES.get(words.facts[mean.fact].column(aggregate.columns[0]).unit, 0)
    return Making(f"sum of value * {10**scale}" if scale else "sum of value", empty="0")


def _of_slices(
    metric: Metric, written: str, keys: Mapping[str, Mapping[str, Any]], words: measured.Vocabulary
) -> _Shown:
    """Measures of a metric's own slices, one over the other; those that are compared have no single way."""
    of: list[Of] = []
    for name, measure in _written(written):
        own = {path: texts(value) for path, value in keys.get(name, {}).items()}
        of.append((words.measures[measure], {**metric.slices[name].where, **own}))
    if written.startswith(_COMPARE):
        return _Shown(tuple(of), Making("compares its parts"))
    if len(of) == 1:
        return _Shown(tuple(of), making(of[0][0]))
    first, second = (making(measure) for measure, _ in of)
    return _Shown(tuple(of), Making(f"{first.how} of {of[0][0].name} / {second.how} of {of[1][0].name}", _SHARE))


def _written(written: str) -> list[tuple[str, str]]:
    """The slices and measures that a column shows: ``active.active_users / joined.signups``."""
    parts = (part.strip().partition(".") for part in written.removeprefix(_COMPARE).split("/"))
    return [(name, measure) for name, _, measure in parts]


def _keys(
    connection: duckdb.DuckDBPyConnection, metric: Metric, column: str, row: Mapping[str, Any]
) -> dict[str, dict[str, Any]]:
    """What a row of the metric is grouped under, in each path, by the slice that it is; empty where it is none."""
    written = metric.shows.get(column, "")
    if column in metric.cells or "." not in written:
        assert metric.rows is not None
        return {"": {metric.rows: row[metric.key[0]]}}
    values = {key: row[key] for key in metric.key}
    found: dict[str, dict[str, Any]] = {}
    for name, _ in _written(written):
        found[name] = {}
        for path, expression in metric.slices[name].at.items():
            given = ", ".join(f"cast(${key} as {_type(metric, key)}) as {key}" for key in metric.key)
            text = f"select {expression} from (select {given})"  # noqa: S608 - of a declaration, values are bound
            (found[name][path],) = connection.execute(text, values).fetchall()[0]
    return found


def _type(metric: Metric, column: str) -> str:
    unit = {one.name: one.unit for one in metric.columns}[column]
    return {"date": "date", "months": "bigint"}.get(unit, "varchar")
