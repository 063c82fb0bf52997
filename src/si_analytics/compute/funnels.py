"""Funnels: lays out the units and stages that ``sql/funnels`` finds for one generic computation.

Belongs here: filling ``funnel_units`` and ``funnel_stages``, temporary tables that
``sql/metrics/conversion_funnels.sql`` reads. To add a funnel, add a file to ``sql/funnels``.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import duckdb

from si_analytics import warehouse
from si_analytics.definitions import Funnel, lookup, project
from si_analytics.errors import UnknownNameError
from si_analytics.warehouse import local_offsets

ALL = "all"
NONE = "(none)"

# Goes around the query of a file: where its rows go, and which of them.
_INSERT = "insert into funnel_units\n"
_UNITS = "select $funnel, $value, unit_id, started_at, stages from units"
_KEEP = "create or replace temporary table funnel_found as\n"
_ALL_OF = {"units": "select * from units", "final": "select * from final"}


def names() -> tuple[str, ...]:
    """Every funnel, by name."""
    return tuple(project().funnels)


def of(name: str) -> Funnel:
    """The funnel of that name; raises UnknownNameError that suggests the nearest."""
    return lookup(project().funnels, name, "funnel")


def stages(name: str) -> tuple[str, ...]:
    """The stages of a funnel, in order."""
    return tuple(stage.name for stage in of(name).stages)


def breakdowns(name: str) -> tuple[str, ...]:
    """What a funnel can be broken down by."""
    return of(name).breakdowns


def check_breakdown(name: str, by: str | None) -> None:
    """Raise UnknownNameError, with the valid choices, unless `by` is None or a breakdown of the funnel."""
    known = breakdowns(name)
    if by is not None and by not in known:
        near = difflib.get_close_matches(by, known, n=1)
        hint = f"Did you mean '{near[0]}'? " if near else ""
        raise UnknownNameError(
            f"the breakdown '{by}' of funnel '{name}'",
            "there is none of that name",
            f"{hint}There are: {', '.join(known)}",
        )


def prepare(
    connection: duckdb.DuckDBPyConnection,
    values: Mapping[str, Any],
    chosen: Sequence[str] | None = None,
    by: str | None = None,
) -> None:
    """Fill the temporary tables with the units of the `chosen` funnels (None: all), broken down `by`.

    For a list attribute, a unit appears once under each of its distinct values; null, an empty list and a null
    inside a list go under ``(none)``.
    """
    funnels = names() if chosen is None else tuple(chosen)
    for name in funnels:
        check_breakdown(name, by)
    connection.execute(
        "create or replace temporary table funnel_stages"
        " (funnel varchar, breakdown varchar, stage_number bigint, stage varchar)"
    )
    connection.execute(
        "create or replace temporary table funnel_units (funnel varchar, breakdown_value varchar, unit_id uuid,"
        " started_at timestamptz, stages struct(stage_number integer, reached_at timestamptz)[])"
    )
    rows = [(name, by or ALL, number, stage) for name in funnels for number, stage in enumerate(stages(name), start=1)]
    warehouse.insert(connection, "temp.main.funnel_stages", rows)
    local_offsets.lay_out(connection, values["tz"], values["as_of"])
    for name in funnels:
        if by is None:
            _fill(connection, name, values)
        else:
            _keep(connection, name, values, "units")
            _kept(connection, name, by, ("unit_id", "started_at", "stages")).insert_into("temp.main.funnel_units")


def _fill(connection: duckdb.DuckDBPyConnection, name: str, values: Mapping[str, Any]) -> None:
    """Add the units of a funnel that is not broken down, without computing its breakdowns."""
    query, bound = _query(connection, name, values)
    connection.execute(_INSERT + query + _UNITS, {"funnel": name, "value": ALL, **bound})


def units(
    connection: duckdb.DuckDBPyConnection, name: str, values: Mapping[str, Any], by: str | None
) -> duckdb.DuckDBPyRelation:
    """Per unit, breakdown value and stage it reached on its own: when it started, and the earliest known time.

    Fetch the rows before you ask for others.
    """
    local_offsets.lay_out(connection, values["tz"], values["as_of"])
    _keep(connection, name, values, "final")
    return _kept(connection, name, by, ("unit_id", "started_at", "stage_number", "reached_at"))


def _keep(
    connection: duckdb.DuckDBPyConnection, name: str, values: Mapping[str, Any], rows: Literal["units", "final"]
) -> None:
    """Store what the funnel finds, per unit or per unit and stage, where DuckDB can spill it to disk."""
    query, bound = _query(connection, name, values)
    connection.execute(_KEEP + query + _ALL_OF[rows], bound)


def _kept(
    connection: duckdb.DuckDBPyConnection, name: str, by: str | None, columns: Sequence[str]
) -> duckdb.DuckDBPyRelation:
    found = connection.table("temp.main.funnel_found")
    funnel = duckdb.ConstantExpression(name).alias("funnel")
    value = duckdb.ConstantExpression(ALL) if by is None else _value(found, by)
    return found.select(funnel, value.alias("breakdown_value"), *map(duckdb.ColumnExpression, columns))


def _query(connection: duckdb.DuckDBPyConnection, name: str, values: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """The query of a file without its final select, and those of `values` that it binds.

    The file itself ends in the rows per unit and stage, in order; that is for people, and slow with many units.
    """
    file = of(name)
    named = connection.extract_statements(file.text)[0].named_parameters
    query = file.text.removesuffix("select * from final\norder by unit_id, stage_number\n")
    return query, {key: values[key] for key in sorted(named)}


def _value(found: duckdb.DuckDBPyRelation, by: str) -> duckdb.Expression:
    column = duckdb.ColumnExpression(by)
    none = duckdb.ConstantExpression(NONE)
    if str(found.types[found.columns.index(by)]) != "VARCHAR[]":
        return duckdb.CoalesceOperator(column, none)
    # An empty list counts as one null, like a missing one; each null becomes (none) before duplicates go.
    one_null = duckdb.SQLExpression("[null]::varchar[]")
    length = duckdb.CoalesceOperator(duckdb.FunctionExpression("len", column), duckdb.ConstantExpression(0))
    values = duckdb.CaseExpression(length == 0, one_null).otherwise(column)
    named = duckdb.LambdaExpression("value", duckdb.CoalesceOperator(duckdb.ColumnExpression("value"), none))
    filled = duckdb.FunctionExpression("list_transform", values, named)
    return duckdb.FunctionExpression("unnest", duckdb.FunctionExpression("list_distinct", filled))
