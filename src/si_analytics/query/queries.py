"""Answers questions about a metric: what you may ask of it, and the answer, computed in memory if it is not stored.

Belongs here: checking parameters as people give them, and evaluating metrics and funnels over a published
warehouse, and the rows behind a cell.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import duckdb
import polars as pl

from si_analytics import formatting
from si_analytics.compute import facts, funnels, metrics, statistics
from si_analytics.compute.currencies import Present
from si_analytics.definitions import Query, lookup, project
from si_analytics.errors import UnknownNameError, UsageError
from si_analytics.periods import windows
from si_analytics.periods.windows import Duration, Window
from si_analytics.query import connection as query_connection
from si_analytics.query import explain, whole_sql
from si_analytics.query.question import Question, texts

Filters = Mapping[str, Any]
"""Of each grouping the value, or the values, that are kept."""

_OF_TIME = {"as_of", "until", "last_moment", "last_day"}


def named(name: str) -> str:
    """Returns `name` if it is a metric or funnel; else raises UnknownNameError that suggests the nearest."""
    known = (*metrics.names(), *funnels.names())
    if name in known:
        return name
    raise UnknownNameError(
        f"metric '{name}'", "there is none of that name", f"{nearest(name, known)}There are: {', '.join(sorted(known))}"
    )


def nearest(name: str, known: Iterable[str]) -> str:
    """Words that suggest the nearest of the `known` names; empty if nothing is near."""
    near = difflib.get_close_matches(name, list(known), n=1)
    return f"Did you mean '{near[0]}'? " if near else ""


def takes(name: str) -> frozenset[str]:
    """The parameters a metric's query binds, and those of the metrics it reads, except their window."""
    found = _bound(lookup(project().metrics, name, "metric"))
    for table in metrics.inputs(name):
        schema, _, dependency = table.partition(".")
        if schema == "metrics":
            found |= takes(dependency) - {"since"}
        elif facts.is_one(table):
            found |= _bound(facts.of(table))
    return found


def _bound(one: Query) -> frozenset[str]:
    return frozenset[str]().union(*(one.named_parameters for one in duckdb.extract_statements(one.text)))


def metric(connection: duckdb.DuckDBPyConnection, name: str, question: Question, present: Present) -> pl.DataFrame:
    """The rows of metric `name`: stored ones if they answer the question, computed ones otherwise."""
    accepted = takes(name)
    _require_meaning(name, question, accepted)
    asked = question.parameters(present)
    in_the_same_zone = asked.tz == present.tz or "tz" not in accepted
    if _is_present(asked, present) and in_the_same_zone and not question.is_windowed:
        return query_connection.table(connection, "metrics", name).pl()
    with query_connection.scratch(connection):
        return evaluated(connection, name, asked).pl()


def metric_sql(connection: duckdb.DuckDBPyConnection, name: str, question: Question, present: Present) -> str:
    """The whole query of metric `name` with its values, as it runs in the duckdb shell on the warehouse file.

    Raises UsageError for what would change nothing.
    """
    if name in funnels.names():
        return funnel_sql(connection, FunnelQuestion(name, question), present)
    _require_meaning(name, question, takes(name))
    one = lookup(project().metrics, named(name), "metric")
    values = question.parameters(present).bound()
    return whole_sql.shown(connection, one.text, one.inputs, values, present)


def _require_meaning(name: str, question: Question, accepted: frozenset[str]) -> None:
    """Raise UsageError for a parameter that would change nothing."""
    asked = f"metric '{name}'"
    if question.is_windowed and "since" not in accepted:
        raise UsageError(f"{asked} with a window", "it describes all time", "Leave since, until and during out")
    if question.as_of is not None and not accepted & _OF_TIME:
        raise UsageError(f"{asked} with an as_of", "it knows no time", "Leave as_of out")
    if question.currency is not None and "currency" not in accepted:
        raise UsageError(f"{asked} in a currency", "it adds up no money in one", "Leave currency out")
    if question.tz is not None and question.as_of is None and not accepted & {"tz", "since"}:
        raise UsageError(f"{asked} in a time zone", "it has no days or months", "Leave tz out")


def _is_present(asked: metrics.Parameters, present: Present) -> bool:
    """Whether it is asked for the moment and the currency of the stored metrics."""
    return (asked.window.as_of, asked.currency) == (present.as_of, present.currency)


def evaluated(connection: duckdb.DuckDBPyConnection, name: str, asked: metrics.Parameters) -> duckdb.DuckDBPyRelation:
    """The rows of metric `name`, with the metrics it reads computed anew; call within `query_connection.scratch`."""
    return metrics.evaluate(connection, name, _computed_anew(connection, _read_by(metrics.inputs(name)), asked))


def _computed_anew(
    connection: duckdb.DuckDBPyConnection, chosen: Iterable[str], asked: metrics.Parameters
) -> metrics.Parameters:
    """Compute the `chosen` metrics, and those they are computed from, as of the moment asked for.

    Returns the parameters with the weights of the last refresh.
    """
    weights = query_connection.table(connection, "meta", "performance_weights")
    asked = replace(asked, weights=dict(weights.fetchall()) or metrics.DEFAULT_WEIGHTS)
    connection.execute("drop view meta.performance_weights")
    weights.create("meta.performance_weights")
    all_time = replace(asked, window=Window(None, asked.window.as_of, asked.window.as_of), within=None, by=None)
    for dependency in _with_needed(chosen):
        connection.execute(f'drop view if exists metrics."{dependency}"')
        metrics.compute(connection, dependency, all_time)
    return asked


def _read_by(inputs: Iterable[str]) -> set[str]:
    """The metrics among tables named with their schema."""
    return {table.removeprefix("metrics.") for table in inputs if table.startswith("metrics.")}


def _with_needed(chosen: Iterable[str]) -> tuple[str, ...]:
    """The `chosen` metrics and all they are computed from, each after those it needs."""
    found: set[str] = set()
    waiting = sorted(chosen)
    while waiting:
        name = waiting.pop()
        found.add(name)
        waiting += sorted(_read_by(metrics.inputs(name)) - found)
    return tuple(each for each in metrics.names() if each in found)


@dataclass(frozen=True)
class CellQuestion:
    """One cell of a metric that can be explained; `question`, `by` and `within` are as for the metric itself."""

    metric: str
    key: explain.Key
    column: str
    question: Question
    by: str | Sequence[str] | None = None
    within: Duration | None = None
    where: Filters | None = None

    def parameters(self, present: Present) -> metrics.Parameters:
        """The parameters meant; raises UsageError for one that the metric cannot use."""
        table = explain.table(self.metric)
        _require_meaning(table, self.question, takes(table))
        return _of_units(self.question.parameters(present), self.by, self.where, self.within, present)


def _of_units(
    asked: metrics.Parameters,
    by: str | Sequence[str] | None,
    where: Filters | None,
    within: Duration | None,
    present: Present,
) -> metrics.Parameters:
    """The parameters with what only funnels take; several groupings are one text with commas."""
    limit = None if within is None else windows.duration(within)
    chosen = {name: texts(values, empty="") for name, values in (where or {}).items()}
    groupings = funnels.groupings(by)
    together = ", ".join(groupings) if groupings else None  # an empty text is refused like any unknown breakdown
    return replace(asked, within=limit, by=together, where=chosen, calendar=present.calendar)


def rows_behind(connection: duckdb.DuckDBPyConnection, asked: CellQuestion, present: Present) -> pl.DataFrame:
    """The source rows behind a cell; at another moment, the metrics they come from are computed too."""
    parameters = asked.parameters(present)
    written = explain.file(asked.metric, asked.column)
    read = _read_by(written.inputs) if written else set[str]()
    with query_connection.scratch(connection):
        if read and not _is_present(parameters, present):
            parameters = _computed_anew(connection, read, parameters)
        return formatting.readable(explain.rows(connection, asked.metric, asked.key, asked.column, parameters).pl())


@dataclass(frozen=True)
class FunnelQuestion:
    """A funnel, how it is broken down, and how long its units may take."""

    name: str
    question: Question
    by: str | Sequence[str] | None = None
    within: Duration | None = None
    where: Filters | None = None

    def parameters(self, present: Present) -> metrics.Parameters:
        """The parameters meant; raises UsageError or UnknownNameError, with the valid choices."""
        funnels.of(self.name)
        funnels.check_breakdown(self.name, self.by)
        funnels.check_breakdown(self.name, tuple(self.where or ()))
        if self.question.currency is not None:
            raise UsageError(f"funnel '{self.name}' in a currency", "it adds up no money", "Leave currency out")
        asked = replace(self.question.parameters(present), funnels=(self.name,))
        return _of_units(asked, self.by, self.where, self.within, present)


def funnel(connection: duckdb.DuckDBPyConnection, asked: FunnelQuestion, present: Present) -> pl.DataFrame:
    """One row per breakdown value and stage, with the interval that the conversion from the start lies in."""
    parameters = asked.parameters(present)
    with query_connection.scratch(connection):
        return statistics.with_intervals(metrics.evaluate(connection, "conversion_funnels", parameters).pl())


def funnel_differences(
    connection: duckdb.DuckDBPyConnection, asked: FunnelQuestion, stage: str, present: Present
) -> pl.DataFrame:
    """One row per pair of breakdown values: how many of each reached the stage, and how likely chance alone is."""
    parameters = asked.parameters(present)
    number = stage_number(asked.name, stage)
    named = f"the differences of funnel '{asked.name}'"
    if parameters.by is None:
        raise UsageError(named, "it is not said between what", "Give by: by='method' say")
    if number == 1:
        later = ", ".join(funnels.stages(asked.name)[1:])
        raise UsageError(f"{named} at '{stage}'", "every unit starts there", f"Name a later one: {later}")
    for each in funnels.groupings(parameters.by):
        if funnels.is_list(asked.name, each):
            found = (
                "a unit can be under several of its values, which a comparison of two shares must not have in common"
            )
            raise UsageError(f"{named} by {each}", found, "Break it down by something a unit has one of")
    with query_connection.scratch(connection):
        rows = metrics.evaluate(connection, "conversion_funnels", parameters).pl()
    return statistics.pairwise(rows.filter(pl.col("stage_number").is_in([1, number])), number)


def funnel_sql(connection: duckdb.DuckDBPyConnection, asked: FunnelQuestion, present: Present) -> str:
    """The whole query of a funnel with its values, as it runs in the duckdb shell on the warehouse file."""
    parameters = asked.parameters(present)
    text, tables = funnels.counted((asked.name,), parameters.of_funnel)
    return whole_sql.shown(connection, text, tables, parameters.bound(), present)


def activity(connection: duckdb.DuckDBPyConnection, question: Question, present: Present) -> pl.DataFrame:
    """One row: deals, money and who was active in the window."""
    file = project().queries.marketplace_activity
    values = question.parameters(present).bound()
    return connection.sql(file.text, params=metrics.bindings(connection, file, values)).pl()


def time_to_convert(
    connection: duckdb.DuckDBPyConnection, asked: FunnelQuestion, stage: str, present: Present
) -> pl.DataFrame:
    """One row per breakdown value and percentile of the time to `stage`."""
    parameters = asked.parameters(present)
    number = stage_number(asked.name, stage)
    if number == 1:
        later = ", ".join(funnels.stages(asked.name)[1:])
        raise UsageError(f"the time to stage '{stage}'", "every unit starts there", f"Name a later one: {later}")
    query = project().queries.time_to_convert
    named = {"funnel": asked.name, "breakdown": parameters.of_funnel.breakdown, "stage": stage}
    with query_connection.scratch(connection):
        funnels.lay_out(connection, asked.name, parameters.bound(), parameters.of_funnel, number)
        return connection.sql(query.text, params=metrics.bindings(connection, query, named)).pl()


def stopped(connection: duckdb.DuckDBPyConnection, asked: FunnelQuestion, stage: str, present: Present) -> pl.DataFrame:
    """The units that reached `stage` and no further, each with the attributes a funnel is broken down by."""
    parameters = asked.parameters(present)
    number = stage_number(asked.name, stage)
    query, attributes = project().queries.stopped, funnels.breakdowns(asked.name)
    with query_connection.scratch(connection):
        units = funnels.lay_out(
            connection, asked.name, parameters.bound(), parameters.of_funnel, number, attributes=attributes
        )
        found = connection.sql(query.text, params=metrics.bindings(connection, query, {"stage_number": number}))
        named = units.select(*(duckdb.ColumnExpression(column) for column in ("unit_id", *attributes)))
        return formatting.readable(found.join(named, "unit_id").order("started_at, unit_id").pl())


def stage_number(funnel: str, stage: str) -> int:
    """The position of `stage` in the funnel, from 1; raises UnknownNameError with the valid stages."""
    known = funnels.stages(funnel)
    if stage not in known:
        raise UnknownNameError(
            f"stage '{stage}' of funnel '{funnel}'",
            "there is none of that name",
            f"{nearest(stage, known)}There are: {', '.join(known)}",
        )
    return known.index(stage) + 1
