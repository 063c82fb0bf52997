"""How a measure is worked out: a small grammar of aggregates and arithmetic, read into a tree.

Belongs here: the grammar alone: ``sum, count(*), count(x), count(distinct a, b), mean, percentile(p, x), min, max`` of
columns of a fact, each with an optional ``filter (where ...)``; names of other measures; and ``+ - * /`` of those with
whole numbers. What SQL it becomes is in `compute.exact`.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlglot import expressions as exp

_FORMS = "sum, count, mean, percentile, min and max of columns, each with filter (where ...), and + - * / of them"


@dataclass(frozen=True)
class Aggregate:
    """One aggregate over a fact's rows: which, of which columns, which rows it takes in, the share of a percentile."""

    function: str
    columns: tuple[str, ...] = ()
    distinct: bool = False
    where: str = ""
    share: Fraction | None = None


@dataclass(frozen=True)
class Named:
    """Another measure, or with a part (``sum`` or ``count``) what its mean is made of."""

    measure: str


@dataclass(frozen=True)
class Whole:
    """A whole number."""

    value: int


@dataclass(frozen=True)
class Arithmetic:
    """``+``, ``-``, ``*`` or ``/`` of two formulas."""

    sign: str
    left: Part
    right: Part


Part = Aggregate | Named | Whole | Arithmetic


@dataclass(frozen=True)
class Formula:
    """What a measure is worked out from, as written and as a tree."""

    text: str
    tree: Part
    columns: tuple[str, ...]

    @property
    def aggregates(self) -> tuple[Aggregate, ...]:
        """The aggregates in it, each once, in order."""
        return tuple(dict.fromkeys(part for part in _parts(self.tree) if isinstance(part, Aggregate)))

    @property
    def measures(self) -> tuple[str, ...]:
        """The other measures it is made of."""
        return tuple(dict.fromkeys(part.measure for part in _parts(self.tree) if isinstance(part, Named)))

    @property
    def is_additive(self) -> bool:
        """Whether it is one sum or one count of rows that are not counted twice."""
        return isinstance(self.tree, Aggregate) and self.tree.function in {"sum", "count"} and not self.tree.distinct


def _parts(part: Part) -> Iterator[Part]:
    yield part
    if isinstance(part, Arithmetic):
        yield from _parts(part.left)
        yield from _parts(part.right)


@functools.lru_cache(maxsize=1024)
def formula(text: str) -> Formula:
    """The formula that `text` writes; raises ValueError, with what may be written, where it says anything else."""
    import sqlglot
    from sqlglot import expressions as exp
    from sqlglot.errors import SqlglotError

    try:
        tree = sqlglot.parse_one(text, read="duckdb")
    except SqlglotError as error:
        raise ValueError(f"{text} is not understood; write {_FORMS}") from error
    found = _read(tree, text)
    aggregates = [one for one in _parts(found) if isinstance(one, Aggregate)]
    filtered = [
        column.name
        for one in aggregates
        if one.where
        for column in sqlglot.parse_one(one.where, read="duckdb").find_all(exp.Column)
    ]
    columns = (*(column for one in aggregates for column in one.columns), *filtered)
    return Formula(" ".join(text.split()), found, tuple(dict.fromkeys(columns)))


def _read(tree: exp.Expr, text: str) -> Part:
    from sqlglot import expressions as exp

    signs: dict[type[exp.Expr], str] = {exp.Add: "+", exp.Sub: "-", exp.Mul: "*", exp.Div: "/"}
    if isinstance(tree, exp.Paren):
        return _read(tree.this, text)
    if type(tree) in signs:
        return Arithmetic(signs[type(tree)], _read(tree.this, text), _read(tree.expression, text))
    if isinstance(tree, exp.Literal) and tree.is_int:
        return Whole(int(tree.this))
    if isinstance(tree, exp.Column) and not tree.table:
        return Named(tree.name)
    if isinstance(tree, exp.Filter):
        inner = _aggregate(tree.this, text)
        where: exp.Expr = tree.expression.this
        return Aggregate(inner.function, inner.columns, inner.distinct, where.sql("duckdb"), inner.share)
    return _aggregate(tree, text)


def _aggregate(tree: exp.Expr, text: str) -> Aggregate:
    from sqlglot import expressions as exp

    simple: dict[type[exp.Expr], str] = {exp.Sum: "sum", exp.Min: "min", exp.Max: "max"}
    if type(tree) in simple:
        return Aggregate(simple[type(tree)], (_column(tree.this, text),))
    if isinstance(tree, exp.Count):
        if isinstance(tree.this, exp.Star):
            return Aggregate("count")
        if isinstance(tree.this, exp.Distinct):
            return Aggregate("count", tuple(_column(one, text) for one in tree.this.expressions), distinct=True)
        return Aggregate("count", (_column(tree.this, text),))
    if isinstance(tree, exp.Anonymous) and tree.name.lower() == "mean" and len(tree.expressions) == 1:
        return Aggregate("mean", (_column(tree.expressions[0], text),))
    if isinstance(tree, exp.Anonymous) and tree.name.lower() == "percentile" and len(tree.expressions) == 2:
        share, column = tree.expressions
        if isinstance(share, exp.Literal) and not share.is_string and 0 <= Decimal(share.this) <= 1:
            return Aggregate("percentile", (_column(column, text),), share=Fraction(share.this))
    raise ValueError(f"{tree.sql('duckdb')} in {text} is none of what a measure may be; write {_FORMS}")


def _column(tree: exp.Expr, text: str) -> str:
    from sqlglot import expressions as exp

    if isinstance(tree, exp.Column) and not tree.table:
        return tree.name
    raise ValueError(f"{tree.sql('duckdb')} in {text} is no column of the fact; write its name")
