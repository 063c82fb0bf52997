"""Whether a metric has the row that a cell is asked of, and which is the nearest where it has not.

Belongs here: looking for the row among those of the moment asked for; explains nothing.
"""

from __future__ import annotations

import difflib
import functools
import operator
from collections.abc import Iterable, Mapping
from typing import Any

import duckdb

from si_analytics.compute import funnels, metrics
from si_analytics.definitions import project
from si_analytics.errors import UnknownNameError, UsageError

FUNNELS = "conversion_funnels"


def unknown(asked: str, name: str, known: Iterable[str]) -> UnknownNameError:
    """The error for a name that is none of those known, with the nearest of them."""
    choices = tuple(known)
    near = difflib.get_close_matches(name, choices, n=1)
    hint = f"Did you mean '{near[0]}'? " if near else ""
    return UnknownNameError(asked, "there is none of that name", f"{hint}There are: {', '.join(choices)}")


def require_cell(
    connection: duckdb.DuckDBPyConnection, table: str, values: Mapping[str, Any], asked: metrics.Parameters
) -> None:
    """Raise unless the metric has the row asked for, at the moment asked for.

    A funnel that is not broken down has one row for each of its stages.
    """
    if table != FUNNELS:
        _require_row(_rows(connection, table, asked), table, values, project().metrics[table].key)
    elif asked.by is not None:
        _require_row(metrics.evaluate(connection, table, asked), table, values, ("breakdown_value",))
    elif values["breakdown_value"] != funnels.ALL:
        funnel, value = values["funnel"], values["breakdown_value"]
        known = ", ".join(funnels.breakdowns(funnel))
        raise UsageError(f"'{value}' of funnel '{funnel}'", "it is not broken down", f"Say by what, one of: {known}")


def _rows(connection: duckdb.DuckDBPyConnection, table: str, asked: metrics.Parameters) -> duckdb.DuckDBPyRelation:
    """The rows that the metric has: of agents, brands and the like those that are stored.

    These are the same at every moment. Months, replies and standings are not.
    """
    if project().metrics[table].rows in project().dimensions:
        return connection.sql(f"from metrics.{table}")  # a declared metric, never the user's text
    return metrics.evaluate(connection, table, asked)


def _require_row(
    relation: duckdb.DuckDBPyRelation, table: str, values: Mapping[str, Any], named: tuple[str, ...]
) -> None:
    """Raise UnknownNameError, with the nearest key, unless a row has these values in the columns `named`."""
    texts = [duckdb.ColumnExpression(column).cast("varchar").alias(column) for column in named]
    known = relation.select(*texts)
    wanted = [duckdb.ColumnExpression(column) == duckdb.ConstantExpression(str(values[column])) for column in named]
    if known.filter(functools.reduce(operator.and_, wanted)).fetchone():
        return
    apart = [
        duckdb.FunctionExpression(
            "levenshtein", duckdb.ColumnExpression(column), duckdb.ConstantExpression(str(values[column]))
        )
        for column in named
    ]
    near = known.sort(*apart, *map(duckdb.ColumnExpression, named)).fetchone()
    hint = f"Did you mean '{', '.join(map(str, near))}'? " if near else ""
    said = " and ".join(f"{column} is '{values[column]}'" for column in named)
    raise UnknownNameError(
        f"the row of {table} where {said}",
        "there is none",
        f"{hint}Give one of the column{'s' if len(named) > 1 else ''} {', '.join(named)}",
    )
