"""Explains one number: the source rows behind a cell of a metric.

Belongs here: finding the file of ``sql/explain`` that explains the cell, and running it. A file declares
which cells it explains and how its rows make up the cell; this module knows neither.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any
from uuid import UUID

import duckdb

from si_analytics.compute import facts, funnels, metrics
from si_analytics.definitions import Explanation, project
from si_analytics.errors import MissingTableError, UsageError
from si_analytics.periods import windows
from si_analytics.query import explain_attributes, explain_keys, explain_measures
from si_analytics.query.explain_keys import unknown
from si_analytics.query.explain_measures import Making

FUNNELS = explain_keys.FUNNELS
OF_FUNNELS = ("funnel", "breakdown_value", "stage_number")

Key = str | int | date | UUID | Sequence[str | int | date | UUID] | Mapping[str, Any]


def keys() -> dict[str, tuple[str, ...]]:
    """The metrics that can be explained, and the columns that identify one of their rows."""
    found = {name: one.key for name, one in project().metrics.items() if name != FUNNELS and columns(name)}
    return {**found, FUNNELS: OF_FUNNELS}


def rows(
    connection: duckdb.DuckDBPyConnection, metric: str, key: Key, column: str, asked: metrics.Parameters
) -> duckdb.DuckDBPyRelation:
    """The source rows behind the cell in `column` of the row `key` of `metric`; `how` says how they make it up.

    `key` is the row's id; for a funnel its breakdown value and stage, or the stage alone; for
    ``conversion_funnels`` funnel, breakdown value and stage; or any row of the metric itself. Fetch the rows
    before you ask for others. Raises UnknownNameError, with the nearest key, if there is no such cell.
    """
    by = _breakdown(key, asked)
    table, parts = _whole(metric, key, by)
    _check_asked(table, asked)
    values = dict(zip(keys()[table], _parsed(table, parts), strict=True))
    file = _file(table, column)
    if file is None:
        return _derived(connection, table, values, column, asked)
    if table == FUNNELS:
        asked = replace(asked, funnels=(values["funnel"],), by=by)
    try:
        explain_keys.require_cell(connection, table, values, asked)
        _lay_out(connection, file, table, values, asked)
        bound = {**asked.bound(), **values, "key": values[keys()[table][0]], "column": column}
        text = facts.read(connection, file.text, file.inputs, asked.window.as_of)
        return connection.sql(text, params=metrics.bindings(connection, text, bound))
    except duckdb.CatalogException as error:
        raise MissingTableError(
            f"explaining {table}", "this warehouse lacks a table it is computed from", "Fill it: si refresh"
        ) from error


def _derived(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    values: Mapping[str, Any],
    column: str,
    asked: metrics.Parameters,
) -> duckdb.DuckDBPyRelation:
    """The facts behind a cell that is a measure, or the operational row behind one that is an attribute."""
    one = project().metrics[table]
    try:
        explain_keys.require_cell(connection, table, values, asked)
        if column in explain_measures.columns(one):
            return explain_measures.of_metric(connection, one, column, values, asked)
        return explain_attributes.of_metric(connection, one, column, values)
    except duckdb.CatalogException as error:
        raise MissingTableError(
            f"explaining {table}", "this warehouse lacks a table it is computed from", "Fill it: si refresh"
        ) from error


def how(metric: str, column: str) -> str:
    """How the rows behind a cell add up to it, in words: ``sum of value``, ``number of rows``.

    >>> how("agent_leaderboard", "total_earnings")
    'sum of value'
    """
    return making(metric, column).how


def making(metric: str, column: str) -> Making:
    """How the rows behind a cell make it up; raises UnknownNameError for a column that is not explained."""
    name = table(metric)
    explaining = _file(name, column)
    if explaining is not None:
        said = explaining.how
        words = said if isinstance(said, str) else said.get(column, next(iter(said.values())))
        return Making(words, explaining.decimals, explaining.empty)
    one = project().metrics[name]
    if column in explain_measures.columns(one):
        return explain_measures.how(one, column)
    return Making("value of the row", None, "null")


def file(metric: str, column: str) -> Explanation | None:
    """The query that explains that column of a metric or funnel; None where it follows from what the column is.

    Raises UnknownNameError for a column that is not explained.
    """
    return _file(table(metric), column)


def table(metric: str) -> str:
    """The explainable metric of that name, or the one that holds the funnel of that name."""
    return FUNNELS if metric in funnels.names() else _known(metric)


def columns(metric: str) -> tuple[str, ...]:
    """The columns of a metric that can be explained."""
    written = [column for one in project().explanations.values() for column in _columns(one, metric)]
    one = project().metrics[metric]
    measures = explain_measures.columns(one)
    found = {*written, *measures, *explain_attributes.columns(one)}
    return tuple(column.name for column in one.columns if column.name in found)


def _columns(one: Explanation, metric: str) -> list[str]:
    cells = (cell.partition(".") for cell in one.explains)
    return [column for table, _, column in cells if table == metric]


def _file(metric: str, column: str) -> Explanation | None:
    for one in project().explanations.values():
        if column in _columns(one, metric):
            return one
    if column in columns(metric):
        return None
    if column in keys()[metric]:
        raise UsageError(
            f"the column '{column}' of {metric}",
            "it is a part of the key: it says which row it is, and nothing is behind it",
            f"Explain another: {', '.join(columns(metric))}",
        )
    raise unknown(f"the column '{column}' of {metric}", column, columns(metric))


def _known(metric: str) -> str:
    if metric in keys():
        return metric
    raise unknown(f"explaining metric '{metric}'", metric, (*keys(), *funnels.names()))


def _whole(metric: str, key: Key, by: str | None) -> tuple[str, tuple[Any, ...]]:
    """The table, and the key with all its parts; a funnel's name may stand for its table."""
    funnel = metric if metric in funnels.names() else None
    table = FUNNELS if funnel else _known(metric)
    if isinstance(key, Mapping):
        lacking = [column for column in keys()[table] if column not in key]
        if lacking:
            raise UsageError(f"a row of {table}", f"it lacks {', '.join(lacking)}", "Give the row with these columns")
        if funnel and key["funnel"] != funnel:
            raise UsageError(f"a row of funnel '{funnel}'", f"it is one of '{key['funnel']}'", "Name its own funnel")
        return table, tuple(key[column] for column in keys()[table])
    parts = (key,) if isinstance(key, str | int | date | UUID) else tuple(key)
    if funnel and by is not None and len(parts) == 1:
        raise UsageError(f"a stage of funnel '{funnel}' by {by}", "it is not said which", "Give (value, stage)")
    if funnel:
        parts = (funnel, funnels.ALL, *parts) if len(parts) == 1 else (funnel, *parts)
    if len(parts) != len(keys()[table]):
        wanted = ", ".join(keys()[table])
        raise UsageError(f"a key of {table}", f"it has {len(parts)} parts", f"Give {wanted}, in this order")
    return table, parts


def _parsed(table: str, parts: Sequence[Any]) -> tuple[Any, ...]:
    """The parts of a key as the metric has them: ids in their usual form, a stage as its number."""
    if table == FUNNELS:
        funnel, value, stage = parts
        return str(funnels.of(str(funnel)).funnel), str(value), _stage(str(funnel), stage)
    return tuple(_id(str(part)) for part in parts)


def _id(text: str) -> str:
    try:
        return str(UUID(text))
    except ValueError:
        return text


def _stage(funnel: str, stage: Any) -> int:
    names = funnels.stages(funnel)
    if str(stage) in names:
        return names.index(str(stage)) + 1
    if str(stage).isdecimal() and 1 <= int(stage) <= len(names):
        return int(stage)
    raise unknown(f"the stage '{stage}' of funnel '{funnel}'", str(stage), names)


def _breakdown(key: Key, asked: metrics.Parameters) -> str | None:
    """What the funnel is broken down by: as asked, or as in the row given."""
    if not isinstance(key, Mapping) or key.get("breakdown") is None:
        return asked.by
    stated = None if key["breakdown"] == funnels.ALL else str(key["breakdown"])
    if asked.by is not None and asked.by != stated:
        found = "it is not broken down" if stated is None else f"it is one by {stated}"
        raise UsageError(f"a row by {asked.by}", found, "Leave by out, or give a row of that breakdown")
    return stated


def _check_asked(table: str, asked: metrics.Parameters) -> None:
    """Refuse a window if the metric takes none, and refuse what only funnels take."""
    window = asked.window
    has_window = any(one.name == "since" for one in project().metrics[table].params)
    if not has_window and (window.since is not None or window.until != window.as_of):
        raise UsageError(f"metric '{table}' with a window", "it describes all time", "Leave since and until out")
    if table != FUNNELS and (asked.by is not None or asked.within is not None):
        raise UsageError(f"metric '{table}'", "by and within are for funnels", "Leave them out, or name a funnel")
    if table != FUNNELS and asked.where:
        raise UsageError(f"{table} with where", "a cell of a metric has none", "Leave it out")


def _lay_out(
    connection: duckdb.DuckDBPyConnection,
    file: Explanation,
    table: str,
    values: Mapping[str, Any],
    asked: metrics.Parameters,
) -> None:
    """Fill the temporary tables the file reads: the metric as asked, the one before, a funnel's units and stages."""
    inputs = file.inputs
    if "explained" in inputs:
        _store(metrics.evaluate(connection, table, asked), "explained")
    if "explained_before" in inputs:
        _store(_before(connection, table, asked), "explained_before")
    if "explained_units" in inputs:
        stage = int(values["stage_number"])
        units = funnels.lay_out(connection, values["funnel"], asked.bound(), asked.of_funnel, stage)
        value = duckdb.ConstantExpression(values["breakdown_value"])
        _store(units.filter(duckdb.ColumnExpression("breakdown_value") == value), "explained_units")
    if "explained_stages" in inputs:
        _store(_stages(connection, values, asked), "explained_stages")


def _before(connection: duckdb.DuckDBPyConnection, table: str, asked: metrics.Parameters) -> duckdb.DuckDBPyRelation:
    """The metric in the window before the one asked for; no rows if there is no such window."""
    before = windows.before(asked.window, asked.tz)
    if before is None:
        return metrics.evaluate(connection, table, asked).limit(0)
    return metrics.evaluate(connection, table, replace(asked, window=before))


def _stages(
    connection: duckdb.DuckDBPyConnection, values: Mapping[str, Any], asked: metrics.Parameters
) -> duckdb.DuckDBPyRelation:
    names = funnels.stages(values["funnel"])
    return connection.sql(
        "select $funnel as funnel, $breakdown as breakdown, $breakdown_value as breakdown_value,"
        " unnest(range(1, len($stages) + 1)) as stage_number, unnest($stages) as stage",
        params={
            "funnel": values["funnel"],
            "breakdown": asked.by or funnels.ALL,
            "breakdown_value": values["breakdown_value"],
            "stages": list(names),
        },
    )


def _store(relation: duckdb.DuckDBPyRelation, name: str) -> None:
    # Not `relation.create`: for a temporary table it ignores the catalog in a name.
    relation.query("laid_out", f"create or replace temporary table {name} as from laid_out")
