"""Does a query keep to what its file declares? What it reads, binds and gives, and in which order metrics are computed.

Belongs here: holding the query of a metric, fact or dimension against its declaration, with DuckDB's and
SQLGlot's parsers.
Runs nothing.
"""

from __future__ import annotations

import functools
import graphlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

import duckdb

from si_analytics.definitions.fact_models import Fact
from si_analytics.definitions.loading import Project
from si_analytics.definitions.models import Declaration, Metric
from si_analytics.definitions.parameters import PARAMETERS
from si_analytics.errors import DefinitionError, UnknownNameError

if TYPE_CHECKING:
    from sqlglot import expressions


OF_FACTS = frozenset({"as_of"})
"""What a fact or a dimension may bind: it is stored for a moment, not for a window or a currency."""


def require(project: Project) -> None:
    """Raise DefinitionError unless each metric, fact and dimension keeps to what its file declares.

    Their queries read and bind that, those of facts and dimensions give their columns; measures are understood, and
    the breakdowns of a funnel lead somewhere.
    """
    for one in (*project.facts.values(), *project.dimensions.values()):
        _require_query(one.path, one.text, one.inputs, frozenset(), OF_FACTS)
        _require_columns(one.path, one.text, one.selected)
    assert project.measures is not None  # looks at every measure
    for fact in project.funnels.values():
        _require_breakdowns(fact, project)
    for computed in project.metrics.values():
        own = frozenset(parameter.name for parameter in computed.own_params)
        _require_query(computed.path, computed.text, computed.inputs, own, frozenset(PARAMETERS))


def _require_breakdowns(fact: Fact, project: Project) -> None:
    """Raise DefinitionError unless each breakdown is a column of the fact or a path from it."""
    from si_analytics.definitions import grouping  # imported late: it takes longer than all the files

    for name, written in fact.breakdowns.items():
        if written in fact.selected:
            continue
        try:
            grouping.resolve(fact, project.dimensions, written)
        except UnknownNameError as error:
            found = f"breakdowns.{name} is {written}, which is neither a column nor a path"
            raise DefinitionError(fact.path, found, error.remedy) from error


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
    from sqlglot import expressions

    query = _parsed(path, text)
    own = {common.alias for common in query.find_all(expressions.CTE)}
    tables = [table for table in query.find_all(expressions.Table) if table.db or table.name not in own]
    return frozenset(".".join(part.name for part in table.parts) for table in tables)


def _parsed(path: str, text: str) -> expressions.Expr:
    import sqlglot
    from sqlglot.errors import SqlglotError

    try:
        return sqlglot.parse_one(text, read="duckdb")
    except SqlglotError as error:
        raise _not_understood(path, error) from error


@functools.lru_cache(maxsize=512)
def _require_query(
    path: str, text: str, inputs: tuple[str, ...], own: frozenset[str], may_bind: frozenset[str]
) -> None:
    """Raise DefinitionError unless the file is one query that reads what it declares and binds what it may."""
    try:
        statements = duckdb.extract_statements(text)
    except duckdb.Error as error:
        raise _not_understood(path, error) from error
    if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
        raise DefinitionError(path, "it is not one query", "Let it be a single select")
    bound = set(statements[0].named_parameters)
    strange = sorted(bound - may_bind)
    if strange:
        named = ", ".join(f"${name}" for name in PARAMETERS if name in may_bind)
        found = f"it binds ${', $'.join(strange)}, which nothing fills in"
        raise DefinitionError(path, found, f"There are: {named}" if named else "Write it without")
    idle = sorted(own - bound)
    if idle:
        raise DefinitionError(path, f"params names {', '.join(idle)}, which it does not bind", "Take it out of params")
    lacking = ", ".join(sorted(_tables_read(path, text) - set(inputs)))
    if lacking:
        raise DefinitionError(path, f"it reads {lacking}, which inputs does not name", "Add it to inputs")


@functools.lru_cache(maxsize=512)
def _require_columns(path: str, text: str, said: tuple[str, ...]) -> None:
    """Raise DefinitionError unless the query gives the columns that its file says, in order."""
    found = _columns_given(_parsed(path, text))
    if found != said:
        raise _other_columns(path, said, found)


def _columns_given(query: expressions.Expr) -> tuple[str, ...]:
    """The columns of a query, those of the step it takes all of where it does that."""
    from sqlglot import expressions

    assert isinstance(query, expressions.Query)
    if not query.is_star:
        return tuple(query.named_selects)
    steps = {common.alias: common.this for common in query.find_all(expressions.CTE)}
    source = query.args.get("from_")
    name = source.this.name if source else ""
    return _columns_given(steps[name]) if name in steps else tuple(query.named_selects)


def other_columns(one: Metric, found: list[str]) -> DefinitionError:
    """The error of a query that gives other columns than its file declares."""
    return _other_columns(one.path, [column.name for column in one.columns], found)


def _other_columns(path: str, said: Sequence[str], found: Sequence[str]) -> DefinitionError:
    differing = sorted({*said} ^ {*found}) or said
    return DefinitionError(
        path,
        f"columns says {', '.join(said)} where the query gives {', '.join(found)}",
        f"Make them the same, in the same order; see {', '.join(differing)}",
    )


def not_understood(one: Declaration, error: Exception) -> DefinitionError:
    """The error of a query that SQLGlot or DuckDB refuses."""
    return _not_understood(one.path, error)


def _not_understood(path: str, error: Exception) -> DefinitionError:
    reason = " ".join(str(error).partition("\n")[0].split()).rstrip(".")
    return DefinitionError(path, f"its query is not understood ({reason})", "Try it in the duckdb shell, and mend it")
