"""Explains one number: the source rows behind a cell of a metric.

Belongs here: finding the file of ``sql/explain`` that explains the cell, and running it. A file declares
which cells it explains and how its rows make up the cell; this module knows neither.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any
from uuid import UUID

import duckdb

from si_analytics.compute import funnels, metrics
from si_analytics.definitions import Explanation, project
from si_analytics.errors import MissingTableError, UnknownNameError, UsageError
from si_analytics.periods import windows

FUNNELS = "conversion_funnels"
KEYS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "agent_leaderboard": ("agent_id",),
        "agent_performance_metrics": ("user_id",),
        "brand_reputations": ("sponsor_id",),
        FUNNELS: ("funnel", "breakdown_value", "stage_number"),
    }
)
"""The metrics that can be explained, and the columns that identify one of their rows."""

Key = str | int | UUID | Sequence[str | int | UUID] | Mapping[str, Any]


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
    values = dict(zip(KEYS[table], _parsed(table, parts), strict=True))
    file = _file(table, column)
    if table == FUNNELS:
        asked = replace(asked, funnels=(values["funnel"],), by=by)
    try:
        _require_cell(connection, table, values, asked)
        _lay_out(connection, file, table, values, asked)
        bound = {**asked.bound(), **values, "key": values[KEYS[table][0]], "column": column}
        return connection.sql(file.text, params=metrics.bindings(connection, file, bound))
    except duckdb.CatalogException as error:
        raise MissingTableError(
            f"explaining {table}", "this warehouse lacks a table it is computed from", "Fill it: si refresh"
        ) from error


def how(metric: str, column: str) -> str:
    """How the rows behind a cell add up to it, in words: ``sum of value``, ``number of rows``.

    >>> how("agent_leaderboard", "total_earnings")
    'sum of value'
    """
    explaining = file(metric, column)
    said = explaining.how
    return said if isinstance(said, str) else said.get(column, next(iter(said.values())))


def file(metric: str, column: str) -> Explanation:
    """The query that explains that column of a metric or funnel; raises UnknownNameError if none does."""
    return _file(table(metric), column)


def table(metric: str) -> str:
    """The explainable metric of that name, or the one that holds the funnel of that name."""
    return FUNNELS if metric in funnels.names() else _known(metric)


def columns(metric: str) -> tuple[str, ...]:
    """The columns of a metric that can be explained."""
    return tuple(column for one in project().explanations.values() for column in _columns(one, metric))


def _columns(one: Explanation, metric: str) -> list[str]:
    cells = (cell.partition(".") for cell in one.explains)
    return [column for table, _, column in cells if table == metric]


def _file(metric: str, column: str) -> Explanation:
    for one in project().explanations.values():
        if column in _columns(one, metric):
            return one
    raise _unknown(f"the column '{column}' of {metric}", column, columns(metric))


def _known(metric: str) -> str:
    if metric in KEYS:
        return metric
    raise _unknown(f"explaining metric '{metric}'", metric, (*KEYS, *funnels.names()))


def _unknown(asked: str, name: str, known: Iterable[str]) -> UnknownNameError:
    choices = tuple(known)
    near = difflib.get_close_matches(name, choices, n=1)
    hint = f"Did you mean '{near[0]}'? " if near else ""
    return UnknownNameError(asked, "there is none of that name", f"{hint}There are: {', '.join(choices)}")


def _whole(metric: str, key: Key, by: str | None) -> tuple[str, tuple[Any, ...]]:
    """The table, and the key with all its parts; a funnel's name may stand for its table."""
    funnel = metric if metric in funnels.names() else None
    table = FUNNELS if funnel else _known(metric)
    if isinstance(key, Mapping):
        lacking = [column for column in KEYS[table] if column not in key]
        if lacking:
            raise UsageError(f"a row of {table}", f"it lacks {', '.join(lacking)}", "Give the row with these columns")
        if funnel and key["funnel"] != funnel:
            raise UsageError(f"a row of funnel '{funnel}'", f"it is one of '{key['funnel']}'", "Name its own funnel")
        return table, tuple(key[column] for column in KEYS[table])
    parts = (key,) if isinstance(key, str | int | UUID) else tuple(key)
    if funnel and by is not None and len(parts) == 1:
        raise UsageError(f"a stage of funnel '{funnel}' by {by}", "it is not said which", "Give (value, stage)")
    if funnel:
        parts = (funnel, funnels.ALL, *parts) if len(parts) == 1 else (funnel, *parts)
    if len(parts) != len(KEYS[table]):
        wanted = ", ".join(KEYS[table])
        raise UsageError(f"a key of {table}", f"it has {len(parts)} parts", f"Give {wanted}, in this order")
    return table, parts


def _parsed(table: str, parts: Sequence[Any]) -> tuple[Any, ...]:
    """The parts of a key as the metric has them: ids in their usual form, a stage as its number."""
    if table == FUNNELS:
        funnel, value, stage = parts
        return funnels.of(str(funnel)).name, str(value), _stage(str(funnel), stage)
    try:
        return (str(UUID(str(parts[0]))),)
    except ValueError:
        return (str(parts[0]),)


def _stage(funnel: str, stage: Any) -> int:
    names = funnels.stages(funnel)
    if str(stage) in names:
        return names.index(str(stage)) + 1
    if str(stage).isdecimal() and 1 <= int(stage) <= len(names):
        return int(stage)
    raise _unknown(f"the stage '{stage}' of funnel '{funnel}'", str(stage), names)


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


def _require_cell(
    connection: duckdb.DuckDBPyConnection, table: str, values: Mapping[str, Any], asked: metrics.Parameters
) -> None:
    """Raise unless the metric has the row asked for. Agents and sponsors are the same in every window and at
    every moment, so the stored rows suffice; a funnel that is not broken down has one row for each of its stages.
    """
    if table != FUNNELS:
        _require_row(connection.sql(f"from metrics.{table}"), table, values)  # one of KEYS, never the user's text
    elif asked.by is not None:
        _require_row(metrics.evaluate(connection, table, asked), table, values)
    elif values["breakdown_value"] != funnels.ALL:
        funnel, value = values["funnel"], values["breakdown_value"]
        known = ", ".join(funnels.breakdowns(funnel))
        raise UsageError(f"'{value}' of funnel '{funnel}'", "it is not broken down", f"Say by what, one of: {known}")


def _require_row(relation: duckdb.DuckDBPyRelation, table: str, values: Mapping[str, Any]) -> None:
    """Raise UnknownNameError, with the nearest key, unless the metric has the row asked for."""
    column = "breakdown_value" if table == FUNNELS else KEYS[table][0]
    wanted = duckdb.ConstantExpression(values[column])
    keys = relation.select(duckdb.ColumnExpression(column).cast("varchar").alias("key"))
    if keys.filter(duckdb.ColumnExpression("key") == wanted).fetchone():
        return
    distance = duckdb.FunctionExpression("levenshtein", duckdb.ColumnExpression("key"), wanted)
    near = keys.sort(distance, duckdb.ColumnExpression("key")).fetchone()
    hint = f"Did you mean '{near[0]}'? " if near else ""
    raise UnknownNameError(
        f"the row of {table} where {column} is '{values[column]}'",
        "there is none",
        f"{hint}Give one of the column {column}",
    )


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
        units = funnels.units(connection, values["funnel"], asked.bound(), asked.by)
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
