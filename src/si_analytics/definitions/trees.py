"""Generated SQL: the parts it is put together from as a tree, and how the tree is written.

Belongs here: names, joins and layout that every generator shares. Names are quoted where Postgres asks for that.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlglot import Dialect
from sqlglot import expressions as exp
from sqlglot.dialects import Postgres
from sqlglot.tokenizer_core import TokenType

Table = exp.Table
"""A table in a tree."""

_RESERVED = (
    "all analyse analyze and any array as asc asymmetric authorization binary both case cast check collate collation",
    "column concurrently constraint create cross current_catalog current_date current_role current_schema",
    "current_time current_timestamp current_user default deferrable desc distinct do else end except false fetch for",
    "foreign freeze from full grant group having ilike in initially inner intersect into is isnull join lateral",
    "leading left like limit localtime localtimestamp natural not notnull null offset on only or order outer overlaps",
    "placing primary references returning right select session_user similar some symmetric system_user table",
    "tablesample then to trailing true union unique user using variadic verbose when where window with",
)
RESERVED = frozenset(word for line in _RESERVED for word in line.split())
"""What no column may be called without quotes in PostgreSQL 14 to 18."""

_AS_WRITTEN = frozenset({TokenType.STRING, TokenType.IDENTIFIER, TokenType.HEREDOC_STRING})
_WIDTH, _SHORT = 100, 60


def identifier(name: str) -> exp.Identifier:
    """A name, quoted where it is a reserved word or not in plain lower case."""
    plain = name.isascii() and name.isidentifier() and name == name.lower() and name not in RESERVED
    return exp.Identifier(this=name, quoted=not plain)


def column(name: str, of: str = "") -> exp.Column:
    """A column, of a relation where one is named."""
    return exp.Column(this=identifier(name), table=identifier(of) if of else None)


def columns(names: Iterable[str], of: str = "") -> list[exp.Column]:
    """Several columns of one relation."""
    return [column(name, of) for name in names]


def relation(name: str, schema: str = "", alias: str = "") -> exp.Table:
    """A table or view."""
    return exp.Table(
        this=identifier(name),
        db=identifier(schema) if schema else None,
        alias=exp.TableAlias(this=identifier(alias)) if alias else None,
    )


def matching(left: str, right: str, names: Iterable[tuple[str, str]], *conditions: exp.Expr) -> exp.Expr:
    """That two relations have the same values in these pairs of columns, and what else must hold."""
    return exp.and_(*(column(one, left).eq(column(other, right)) for one, other in names), *conditions)


def present(value: exp.Expr) -> exp.Expr:
    """That a value is not null."""
    return exp.Is(this=value, expression=exp.Not(this=exp.null()))


def ordered(names: Iterable[str]) -> list[exp.Ordered]:
    """Columns to sort by, smallest first."""
    return [exp.Ordered(this=column(name), nulls_first=False) for name in names]


def in_steps(steps: Mapping[str, exp.Expr], last: exp.Select) -> exp.Select:
    """`last` after the steps before it, each a CTE of its name."""
    found = [exp.CTE(this=query, alias=exp.TableAlias(this=identifier(name))) for name, query in steps.items()]
    last.set("with_", exp.With(expressions=found))
    return last


def everything(of: str, order: Sequence[str] = ()) -> exp.Select:
    """All columns of one step, sorted."""
    found = exp.select("*").from_(relation(of))
    return found.order_by(*ordered(order), copy=False) if order else found


def said(text: str, name: str) -> exp.Expr:
    """A column that says the same in every row."""
    return exp.alias_(exp.Literal.string(text), name)


def all_of(parts: Sequence[exp.Select], order: Sequence[str]) -> str:
    """The text of a query for DuckDB: the rows of all of these, ordered by these columns."""
    steps: dict[str, exp.Expr] = {"final": exp.union(*parts, distinct=False) if len(parts) > 1 else parts[0]}
    return written(in_steps(steps, everything("final", order)), "duckdb")


def written(tree: exp.Expr, dialect: str = "postgres") -> str:
    """The tree as text, over several lines and in lower case."""
    generator = _Layout if dialect == "postgres" else type(Dialect.get_or_raise(dialect).generator())
    layout: dict[str, Any] = {"pretty": True, "max_text_width": _WIDTH, "normalize_functions": "lower"}
    return _lowered(generator(dialect=dialect, **layout).generate(tree), dialect)


def _lowered(text: str, dialect: str) -> str:
    parts, last = [], 0
    for token in _dialect(dialect).tokenize(text):
        kept = token.token_type in _AS_WRITTEN
        found = text[token.start : token.end + 1]
        parts += [text[last : token.start], found if kept else found.lower()]
        last = token.end + 1
    return "".join([*parts, text[last:]]) + "\n"


@functools.cache
def _dialect(name: str) -> Dialect:
    return Dialect.get_or_raise(name)


class _Layout(Postgres.Generator):  # type: ignore[misc]
    """SQLGlot's layout, with one line for each column where it has one for all."""

    def onconflict_sql(self, expression: exp.OnConflict) -> str:
        keys = self.expressions(expression, key="conflict_keys", flat=True)
        action = self.sql(expression, "action")
        return f"{self.sep('')}ON CONFLICT ({keys}) {action} SET{self._listed(expression)}"

    def insert_sql(self, expression: exp.Insert) -> str:
        # The conflict begins a line of its own; before it is the blank that SQLGlot puts there.
        return str(super().insert_sql(expression)).replace(" \nON CONFLICT", "\nON CONFLICT")

    def update_sql(self, expression: exp.Update) -> str:
        parts = (self.sql(expression, part) for part in ("from_", "where", "returning"))
        return f"UPDATE {self.sql(expression, 'this')}{self.sep()}SET{self._listed(expression)}{''.join(parts)}"

    def delete_sql(self, expression: exp.Delete) -> str:
        parts = (self.sql(expression, part) for part in ("where", "returning"))
        using = self.expressions(expression, key="using", flat=True)
        return "".join(("DELETE FROM ", self.sql(expression, "this"), self.sep(), "USING ", using, *parts))

    def grantprivilege_sql(self, expression: exp.GrantPrivilege) -> str:
        flat = self.expressions(expression, flat=True)
        named = flat if len(flat) <= _SHORT else f"{self._listed(expression)}{self.sep()}"
        return f"{self.sql(expression, 'this')} ({named})" if named else self.sql(expression, "this")

    def _listed(self, expression: exp.Expr) -> str:
        return f"{self.sep()}{self.expressions(expression)}"
