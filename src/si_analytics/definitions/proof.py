"""Does a query keep to what its file declares? What it reads, binds and gives, and in which order metrics are computed.

Belongs here: holding the query of a metric or funnel against its declaration, with DuckDB's and SQLGlot's parsers.
Runs nothing.
"""

from __future__ import annotations

import functools
import graphlib

import duckdb

from si_analytics.definitions.loading import Project
from si_analytics.definitions.models import Declaration, Funnel, Metric
from si_analytics.definitions.parameters import PARAMETERS
from si_analytics.errors import DefinitionError


def require(project: Project) -> None:
    """Raise DefinitionError unless the query of each metric and funnel reads and binds what its file declares."""
    for one in project.computed.values():
        _require_query(one.path, one.text, one.inputs, tuple(parameter.name for parameter in one.params))


def in_order(project: Project) -> tuple[str, ...]:
    """Every metric, each after those it is computed from; raises DefinitionError where they go in a circle."""
    graph = {
        name: sorted(read for space, _, read in (table.partition(".") for table in metric.inputs) if space == "metrics")
        for name, metric in project.metrics.items()
    }
    try:
        return tuple(graphlib.TopologicalSorter(graph).static_order())
    except graphlib.CycleError as error:
        circle = list(reversed(error.args[1]))
        raise DefinitionError(
            f"sql/metrics/{circle[0]}.sql",
            f"it is computed from itself: {' reads '.join(circle)}",
            "Let one of them read raw tables instead",
        ) from error


def tables_read(one: Declaration) -> frozenset[str]:
    """The tables a query reads, with their schema, common table expressions left out.

    Raises DefinitionError where SQLGlot does not understand the query.
    """
    return _tables_read(one.path, one.text)


def _tables_read(path: str, text: str) -> frozenset[str]:
    import sqlglot
    from sqlglot import expressions
    from sqlglot.errors import SqlglotError

    try:
        query = sqlglot.parse_one(text, read="duckdb")
    except SqlglotError as error:
        raise _not_understood(path, error) from error
    own = {common.alias for common in query.find_all(expressions.CTE)}
    tables = [table for table in query.find_all(expressions.Table) if table.db or table.name not in own]
    return frozenset(".".join(part.name for part in table.parts) for table in tables)


@functools.lru_cache(maxsize=512)
def _require_query(path: str, text: str, inputs: tuple[str, ...], params: tuple[str, ...]) -> None:
    """Raise DefinitionError unless the file is one query that reads and binds what it declares."""
    try:
        statements = duckdb.extract_statements(text)
    except duckdb.Error as error:
        raise _not_understood(path, error) from error
    if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
        raise DefinitionError(path, "it is not one query", "Let it be a single select")
    bound = set(statements[0].named_parameters)
    strange = sorted(bound - set(PARAMETERS))
    if strange:
        named = ", ".join(f"${name}" for name in PARAMETERS)
        found = f"it binds ${', $'.join(strange)}, which nothing fills in"
        raise DefinitionError(path, found, f"There are: {named}")
    for verb, field, said, found_there in (
        ("binds", "params", set(params), bound),
        ("reads", "inputs", set(inputs), set(_tables_read(path, text))),
    ):
        lacking = ", ".join(sorted(found_there - said))
        if lacking:
            raise DefinitionError(path, f"it {verb} {lacking}, which {field} does not name", f"Add it to {field}")


def other_columns(one: Metric | Funnel, found: list[str]) -> DefinitionError:
    """The error of a query that gives other columns than its file declares."""
    said = [column.name for column in one.columns]
    differing = sorted({*said} ^ {*found}) or said
    return DefinitionError(
        one.path,
        f"columns says {', '.join(said)} where the query gives {', '.join(found)}",
        f"Make them the same, in the same order; see {', '.join(differing)}",
    )


def not_understood(one: Declaration, error: Exception) -> DefinitionError:
    """The error of a query that SQLGlot or DuckDB refuses."""
    return _not_understood(one.path, error)


def _not_understood(path: str, error: Exception) -> DefinitionError:
    reason = " ".join(str(error).partition("\n")[0].split()).rstrip(".")
    return DefinitionError(path, f"its query is not understood ({reason})", "Try it in the duckdb shell, and mend it")
