"""A query with its values written into it, for people who run it elsewhere.

Belongs here: values as SQL literals of DuckDB's, in the place of parameters. The library itself binds them.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

import sqlglot
from sqlglot import expressions as exp


def filled(text: str, values: Mapping[str, Any], steps: Mapping[str, exp.Expr] | None = None) -> str:
    """The query with the values of its parameters, after `steps` of these names; laid out over several lines."""
    tree = sqlglot.parse_one(text, read="duckdb")
    for place in list(tree.find_all(exp.Placeholder)):
        place.replace(literal(values[str(place.this)]))
    for name, step in reversed(list((steps or {}).items())):
        held = tree.args.get("with_")
        common = exp.CTE(this=step, alias=exp.TableAlias(this=exp.to_identifier(name)))
        tree.set("with_", exp.With(expressions=[common, *(held.expressions if held else [])]))
    return tree.sql("duckdb", pretty=True, normalize_functions="lower")


def literal(value: Any) -> exp.Expr:
    """One value as a literal; a tree stays what it is."""
    if isinstance(value, exp.Expr):
        return value
    if value is None or isinstance(value, bool):
        return exp.null() if value is None else exp.Boolean(this=value)
    if isinstance(value, datetime):
        return moment(value.isoformat())
    if isinstance(value, date):
        return exp.cast(exp.Literal.string(value.isoformat()), "date")
    if isinstance(value, list | tuple):
        return exp.Array(expressions=[literal(one) for one in value])
    return exp.Literal.number(value) if isinstance(value, int) else exp.Literal.string(str(value))


def moment(text: str) -> exp.Expr:
    """A moment as DuckDB writes it: ``-infinity`` is one as well."""
    return exp.cast(exp.Literal.string(text), "timestamptz", dialect="duckdb")


def table(columns: tuple[str, ...], rows: list[tuple[Any, ...]]) -> exp.Expr:
    """Rows of literals as a query."""
    tuples = [exp.Tuple(expressions=[literal(value) for value in row]) for row in rows]
    alias = exp.TableAlias(this=exp.to_identifier("rows"), columns=[exp.to_identifier(name) for name in columns])
    return exp.select("*").from_(exp.Values(expressions=tuples, alias=alias))
