"""Metrics that stand on facts: the steps that go before a metric's own query, or the whole of it.

Belongs here: ``measured``, one row per agent, brand or month with the cells a metric declares, ``measured_before``, the
same of the window before, and the slices it names. A metric without a query of its own is what it measures, in order.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sqlglot import expressions as exp

from si_analytics.calendars import STANDARD
from si_analytics.definitions import counting, exact, front_matter, grouping, staged, trees
from si_analytics.definitions.counting import Span
from si_analytics.definitions.exact import Leaf, Worked
from si_analytics.definitions.expressions import Aggregate
from si_analytics.definitions.fact_models import Dimension, Fact, Link, Measure
from si_analytics.definitions.models import Metric
from si_analytics.errors import DefinitionError, UnknownNameError

MONTH = "month"
_FIRST_MONTH = "2000-01-01"
_PARTS = ("sum", "count")


@dataclass(frozen=True)
class Vocabulary:
    """All that a metric can be made of: facts, dimensions, measures, each by name."""

    facts: Mapping[str, Fact]
    dimensions: Mapping[str, Dimension]
    measures: Mapping[str, Measure]


def whole(metric: Metric, words: Vocabulary) -> Metric:
    """The metric with its whole query, and with the tables that this reads."""
    if metric.funnels:
        every = sorted((fact for fact in words.facts.values() if fact.funnel), key=lambda fact: str(fact.funnel))
        query = staged.counted(every, words.dimensions, staged.Asked())
        tables = tuple(f"facts.{fact.name}" for fact in every)
        return metric.model_copy(update={"text": trees.written(query, "duckdb"), "inputs": tables})
    if not metric.cells and not metric.slices:
        return metric
    own = front_matter.query(metric.text)
    steps = _steps(metric, words, own)
    tables = tuple(dict.fromkeys((*_tables(steps), *metric.inputs)))
    return metric.model_copy(update={"text": _text(metric, own, steps), "inputs": tables})


def _text(metric: Metric, own: str, steps: Mapping[str, exp.Expr]) -> str:
    """The whole query of a metric: what it measures first, then its own."""
    if not own.strip():
        chosen = [exp.column(column.name) for column in metric.columns]
        order = [exp.column(name) for name in metric.ordered_by]
        last = exp.select(*chosen).from_("measured").order_by(*order, copy=False)
        return trees.written(trees.in_steps(steps, last), "duckdb")
    generated = trees.written(trees.in_steps(steps, exp.select("*").from_("final")), "duckdb")
    head, _, _ = generated.rpartition("select")
    begins = re.match(r"\s*with\b", own)
    return f"{head.rstrip()},\n{own[begins.end() :].lstrip()}" if begins else f"{head.rstrip()}\n{own}"


def _tables(steps: Mapping[str, exp.Expr]) -> Iterator[str]:
    """The tables that steps read beside each other, with their schema."""
    for step in steps.values():
        for table in step.find_all(exp.Table):
            if table.db or table.name not in steps:
                yield ".".join(part.name for part in table.parts)


def cell(metric: Metric, column: str, words: Vocabulary) -> tuple[Measure, str]:
    """The measure that a cell is, and which part of it (empty: the whole); raises DefinitionError for none.

    A cell that is worked out of measures is one of its own, in the unit of its column.
    """
    written = metric.cells[column]
    name, _, part = written.partition(".")
    if name in words.measures and part in {"", *_PARTS}:
        measure = words.measures[name]
        if part and not _is_mean(measure):
            found = f"cells.{column} is {written}, but {name} is no mean of a column: it has no {part}"
            raise DefinitionError(metric.path, found, f"Name {name} itself, or a mean")
        return measure, part
    said = next((one for one in metric.columns if one.name == column), None)
    unit, meaning = (said.unit, said.meaning) if said else ("", written)
    made = Measure(name=column, unit=unit or "things", written=written, meaning=meaning)
    try:
        read = made.formula
    except ValueError as error:
        reason, _, remedy = str(error).partition("; ")
        found = f"cells.{column}: {reason}"
        raise DefinitionError(metric.path, found, f"{remedy[:1].upper()}{remedy[1:]}") from error
    unknown = [one for one in read.measures if one not in words.measures]
    if unknown or read.aggregates:
        name = unknown[0] if unknown else written
        raise _no_measure(metric, f"cells.{column} is {written}, and {name} is no measure", name, words)
    return made, ""


def _is_mean(measure: Measure) -> bool:
    tree = measure.formula.tree
    return isinstance(tree, Aggregate) and tree.function == "mean"


def _no_measure(metric: Metric, found: str, name: str, words: Vocabulary) -> DefinitionError:
    near = grouping.nearest(name, words.measures)
    return DefinitionError(metric.path, found, f"{near}si measure --list names them all")


def _steps(metric: Metric, words: Vocabulary, own: str) -> dict[str, exp.Expr]:
    found: dict[str, exp.Expr] = {}
    for name in metric.slices:
        step = _slice(metric, name, words)
        if re.search(rf"\b{name}\b", own):  # one that is not read only explains
            found[name] = step
    if metric.rows:
        spans = {"measured": counting.NOW if metric.window else None}
        if "measured_before" in own:
            spans["measured_before"] = counting.BEFORE
        for name, span in spans.items():
            found.update(_measured(metric, words, name, span))
    return found


def _measured(metric: Metric, words: Vocabulary, name: str, span: Span | None) -> Iterator[tuple[str, exp.Expr]]:
    """The steps of one row per whatever the metric has rows of, the last of them called `name`."""
    assert metric.rows is not None
    asked = {column: cell(metric, column, words) for column in metric.cells}
    by_fact = counting.leaves([measure for measure, _ in asked.values()], words.measures)
    after = "_before" if name.endswith("_before") else ""
    steps = {fact: f"{fact}_per_{metric.rows}{after}" for fact in by_fact}
    for fact, leaves in by_fact.items():
        yield steps[fact], _per_row(metric, words, words.facts[fact], leaves, span)
    key = MONTH
    if metric.rows == MONTH:
        yield "months", _months(list(steps.values()))
        query = exp.select(exp.column(MONTH, "months")).from_("months")
    else:
        dimension = words.dimensions[str(metric.rows)]
        key = dimension.key
        query = exp.select(exp.column(key, dimension.name)).from_(counting.dimension_table(dimension))
    home = "months" if metric.rows == MONTH else metric.rows
    worked = Worked(words.facts, words.measures, lambda leaf: exp.column(leaf.name, steps[leaf.fact]))
    for column, (measure, part) in asked.items():
        value = worked.part(measure, part) if part else worked.value(measure)
        query = query.select(exp.alias_(value, column), copy=False)
    for step in steps.values():
        on = exp.column(key, home).eq(exp.column(key, step))
        query = query.join(exp.to_table(step), on=on, join_type="left", copy=False)
    yield name, query


def _per_row(metric: Metric, words: Vocabulary, fact: Fact, leaves: list[Leaf], span: Span | None) -> exp.Select:
    assert metric.rows is not None
    joins = grouping.Joins()
    conditions = counting.within(fact, span) if span else []
    if metric.rows == MONTH:
        month = grouping.value(grouping.resolve(fact, words.dimensions, MONTH), joins, STANDARD)
        first = exact.cast(exp.Literal.string(_FIRST_MONTH), "date")
        return counting.counted(fact, leaves, {MONTH: month}, joins, [*conditions, month.copy() >= first])
    if not any(link.dimension == metric.rows for link in fact.links):
        found = f"it has a row per {metric.rows}, which nothing links {fact.name} to"
        raise DefinitionError(metric.path, found, f"Give sql/facts/{fact.name}.sql a link to it, or leave the cell out")
    chosen = link(fact, metric.rows)
    key = words.dimensions[str(metric.rows)].key
    return counting.counted(fact, leaves, {key: exp.column(chosen.column, fact.name)}, joins, conditions)


def link(fact: Fact, dimension: str) -> Link:
    """The link by which a metric with a row per `dimension` takes a fact in: the one of its name, or else the first."""
    links = [one for one in fact.links if one.dimension == dimension]
    return next((one for one in links if one.name == dimension), links[0])


def apart(metric: Metric, words: Vocabulary) -> tuple[str, str]:
    """Two queries of a metric that goes on from what it measures: what it measures, and the rest.

    The rest reads the table ``measured.<metric>`` in the place of what is measured.
    """
    own = front_matter.query(metric.text)
    steps = dict(_measured(metric, words, "measured", counting.NOW if metric.window else None))
    first = trees.written(trees.in_steps(steps, exp.select("*").from_("measured")), "duckdb")
    further: dict[str, exp.Expr] = {"measured": exp.select("*").from_(trees.relation(metric.name, "measured"))}
    if "measured_before" in own:
        further.update(_measured(metric, words, "measured_before", counting.BEFORE))
    return first, _text(metric, own, further)


def _months(steps: list[str]) -> exp.Select:
    """Every month from the first with anything in it to that of the last day."""
    parts = [exp.select(MONTH).from_(step) for step in steps]
    active = exp.union(*parts) if len(parts) > 1 else parts[0]
    last = exp.Anonymous(
        this="date_trunc",
        expressions=[exp.Literal.string("month"), exact.cast(exp.Placeholder(this="last_day"), "date")],
    )
    every = exp.Interval(this=exp.Literal.number(1), unit=exp.var("month"))
    series = exp.Anonymous(this="generate_series", expressions=[exp.func("min", exp.column(MONTH)), last, every])
    listed = exp.select(exp.alias_(series, "months")).from_(active.subquery("active"))
    month = exact.cast(exp.Anonymous(this="unnest", expressions=[exp.column("months")]), "date")
    return exp.select(exp.alias_(month, MONTH)).from_(listed.subquery("listed"))


def _slice(metric: Metric, name: str, words: Vocabulary) -> exp.Select:
    """One row per group of a slice that a metric names; its columns are called by the last word of their paths."""
    known, asked, field = words.measures, metric.slices[name], f"slices.{name}"
    for each in asked.measures:
        if each not in known:
            raise _no_measure(metric, f"{field}.measures names {each}, which is no measure", each, words)
    measures = [known[each] for each in asked.measures]
    by_fact = counting.leaves(measures, known)
    if len(by_fact) != 1:
        several = f"{field}.measures are of several facts: {', '.join(by_fact)}"
        raise DefinitionError(metric.path, several, "Name one slice for each fact")
    ((of, leaves),) = by_fact.items()
    fact, joins = words.facts[of], grouping.Joins()
    groups, conditions = dict[str, exp.Expr](), list[exp.Expr]()
    for path in asked.by:
        way = _resolved(metric, f"{field}.by", fact, words, path)
        is_key = way.steps and way.column == way.steps[-1].key
        value = exp.column(_key_column(way), way.steps[-1].of) if is_key else _plain(way, joins)
        groups[path.rpartition(".")[2]] = value
    for path, values in asked.where.items():
        way = _resolved(metric, f"{field}.where", fact, words, path)
        conditions.append(_plain(way, joins).isin(*(exp.Literal.string(one) for one in values)))
    counted = counting.counted(fact, leaves, groups, joins, conditions)
    worked = Worked(words.facts, known, lambda leaf: exp.column(leaf.name, "counted"))
    values_ = [exp.alias_(worked.value(measure), measure.name) for measure in measures]
    chosen = [exp.column(each, "counted") for each in groups]
    return exp.select(*chosen, *values_).from_(counted.subquery("counted"))


def _resolved(metric: Metric, field: str, fact: Fact, words: Vocabulary, path: str) -> grouping.Path:
    try:
        return grouping.resolve(fact, words.dimensions, path)
    except UnknownNameError as error:
        found = f"{field} names {path}, which {fact.name} cannot be grouped by"
        raise DefinitionError(metric.path, found, error.remedy) from error


def _key_column(path: grouping.Path) -> str:
    return path.steps[-1].column


def _plain(path: grouping.Path, joins: grouping.Joins) -> exp.Expr:
    """The value as it is stored: a metric's own query says what null and empty are."""
    if path.kind in {"calendar", "number"}:
        return grouping.value(path, joins, STANDARD)
    joins.add(path)
    return exp.column(path.column, path.of)
