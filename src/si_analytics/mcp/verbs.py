"""What an assistant can ask of the copy, by the names of the tools.

Belongs here: one function per tool, from its arguments to an `Answer`. Runs in the process that answers one question.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from types import MappingProxyType
from typing import Any

import polars as pl

from si_analytics.compute import funnels
from si_analytics.errors import UsageError
from si_analytics.mcp import answers, privacy
from si_analytics.mcp.answers import Answer
from si_analytics.query import connection, explain, queries
from si_analytics.query.warehouse import Warehouse
from si_analytics.settings import Settings

_COLUMNS = (
    'select schema_name as "schema", table_name as "table", estimated_size as rows, ('
    "select string_agg(column_name || ' ' || lower(data_type), ', ' order by column_index) from duckdb_columns() as c"
    " where c.table_oid = t.table_oid and c.database_name = t.database_name) as columns"
    " from duckdb_tables() as t where database_name = 'published' order by all"
)
_UNKNOWN_COLUMN = re.compile(r'(?:Referenced column|does not have a column named) "([^"]+)"')
_LISTED = ("name", "kind", "summary", "grain", "parameters")


def list_metrics(using: Settings, rows: int) -> Answer:
    """Every metric and funnel, and what each is."""
    with Warehouse(using) as opened:
        found = opened.metrics()
    return answers.of(found.select(column for column in _LISTED if column in found.columns), rows)


def describe_metric(using: Settings, rows: int, name: str) -> Answer:
    """The columns of a metric or funnel, without those that are left out."""
    with Warehouse(using) as opened:
        described = opened.describe(name)
    personal = privacy.of(f"metrics.{name}")
    shown = described.filter(~pl.col("column").is_in(list(personal.left_out)))
    return answers.of(shown, rows, _told(personal.left_out, personal.coded))


def metric(
    using: Settings, rows: int, name: str, by: str | None = None, within: str | None = None, **asked: Any
) -> Answer:
    """The rows of a metric, or of a funnel."""
    if (by, within) != (None, None) and name not in funnels.names():
        raise UsageError(f"metric '{name}'", "by and within are for funnels", "Leave them out, or name a funnel")
    with Warehouse(using) as opened:
        found = (
            opened.metric(name, **asked)
            if (by, within) == (None, None)
            else opened.funnel(name, by=by, within=within, **_without(asked, "currency", name))
        )
    personal = privacy.of(f"metrics.{name}")
    left_out = personal.left_out.intersection(found.columns)
    return answers.of(found.drop(left_out), rows, _told(personal.left_out, personal.coded))


def list_measures(using: Settings, rows: int) -> Answer:
    """Every measure, and what each is."""
    with Warehouse(using) as opened:
        found = opened.measures()
    return answers.of(found.select(pl.exclude("dimensions")), rows)


def describe_measure(using: Settings, rows: int, name: str) -> Answer:
    """What a measure can be broken down by and filtered on."""
    with Warehouse(using) as opened:
        found = opened.dimensions(name)
    left_out = privacy.dimensions_left_out(found)
    shown = [path for path in found if path not in left_out]
    return answers.of(pl.DataFrame({"dimension": shown}, schema={"dimension": pl.String}), rows, _told(left_out))


def ask(
    using: Settings,
    rows: int,
    measures: Sequence[str],
    by: Sequence[str] = (),
    where: Mapping[str, Any] | None = None,
    **asked: Any,
) -> Answer:
    """One slice of one or several measures."""
    left_out = privacy.dimensions_left_out((*by, *(where or {})))
    if left_out:
        raise _personal(f"{', '.join(measures)} by {', '.join(sorted(left_out))}", "that")
    with Warehouse(using) as opened:
        return answers.of(opened.measure(*measures, by=tuple(by), where=where, **asked), rows)


def explain_cell(using: Settings, rows: int, name: str, cell: Any, column: str | None = None, **asked: Any) -> Answer:
    """The source rows behind one cell: of a metric if there is a column, else of a measure."""
    with Warehouse(using) as opened:
        if column is None and name in (*explain.keys(), *funnels.names()):
            raise UsageError(f"a cell of metric '{name}'", "it is not said which", "Give its column too")
        if column is None:
            return answers.of(opened.explain(name, cell, **asked), rows)
        if column in privacy.of(f"metrics.{name}").left_out:
            raise _personal(f"the column '{column}' of {name}", "it")
        found = opened.explain(queries.named(name), cell, column, **asked)
    return answers.of(found, rows, [f"How these rows make up the cell: {explain.how(name, column)}"])


def list_tables(using: Settings, rows: int) -> Answer:
    """Every table that a query can read, and its columns with their types."""
    with closing(connection.connect(using, with_stand_ins=False)) as opened:
        return answers.of(connection.query(opened, _COLUMNS, {}), rows)


def sql(using: Settings, rows: int, query: str, values: Mapping[str, Any] | None = None) -> Answer:
    """The rows of one query; says so if it names a column that was left out."""
    with closing(connection.connect(using, with_stand_ins=False)) as opened:
        try:
            return answers.of(connection.query(opened, query, values or {}), rows)
        except UsageError as error:
            _require_impersonal(error)
            raise


def _require_impersonal(error: UsageError) -> None:
    """Say what DuckDB cannot know: that the column it does not find is one that was left out."""
    named = _UNKNOWN_COLUMN.search(error.found)
    if named and any(named[1].lower() in personal.left_out for personal in privacy.tables().values()):
        raise _personal("the query", f"the column {named[1].lower()}") from error


def _personal(asked: str, what: str) -> UsageError:
    return UsageError(
        asked,
        f"{what} is personal, and left out of this copy",
        "Ask by id; who it is, a person looks up in the dashboard or a notebook",
    )


def _told(left_out: frozenset[str], coded: frozenset[str] = frozenset()) -> list[str]:
    """What was done to the personal columns of a table, in words."""
    told = [f"Left out, for they are personal: {', '.join(sorted(left_out))}"] if left_out else []
    if coded:
        told.append(f"A code stands for each text of {', '.join(sorted(coded))}, which may be personal")
    return told


def _without(asked: dict[str, Any], parameter: str, funnel: str) -> dict[str, Any]:
    if asked.get(parameter) is not None:
        raise UsageError(f"funnel '{funnel}' in a {parameter}", "it adds up no money", f"Leave {parameter} out")
    return {name: value for name, value in asked.items() if name != parameter}


TOOLS: Mapping[str, Callable[..., Answer]] = MappingProxyType(
    {
        one.__name__: one
        for one in (
            list_measures,
            describe_measure,
            ask,
            explain_cell,
            list_metrics,
            describe_metric,
            metric,
            list_tables,
            sql,
        )
    }
)
"""Every tool, by name."""
