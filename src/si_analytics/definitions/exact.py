"""What SQL a measure becomes: whole numbers all the way, and one rounding at the end, half away from zero.

Belongs here: the aggregates a fact's rows are added up to (leaves), and the value of a measure made of them, as SQLGlot
trees. Binary floating point has no part in it: a mean is the fraction of a sum and a count.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction as Share

from sqlglot import expressions as exp
from sqlglot import parse_one

from si_analytics.definitions.expressions import Aggregate, Arithmetic, Named, Part, Whole
from si_analytics.definitions.fact_models import SCALES, Fact, Measure

MICROSECONDS = {"days": 86_400_000_000, "hours": 3_600_000_000}
"""How many microseconds a measure's unit has, where it is worked out of a column in microseconds."""

USD = "usd"


@dataclass(frozen=True)
class Leaf:
    """One aggregate of a fact's rows, and the column it is called in the query of that fact."""

    fact: str
    name: str
    aggregate: Aggregate
    any_currency: bool = False


@dataclass(frozen=True)
class Fraction:
    """A number as SQL: whole `number` over the whole `over` times each of `times`, which may be 0 or below."""

    number: exp.Expr
    over: int = 1
    times: tuple[exp.Expr, ...] = ()


@dataclass(frozen=True)
class Worked:
    """Measures over facts, as SQL: `facts` and `measures` are all there are, `column` is where a leaf is read."""

    facts: Mapping[str, Fact]
    measures: Mapping[str, Measure]
    column: Callable[[Leaf], exp.Expr]

    def value(self, measure: Measure) -> exp.Expr:
        """The measure, rounded to its places; null where it is a mean, share or moment of nothing."""
        tree = measure.formula.tree
        if isinstance(tree, Aggregate):
            leaf = leaves_of(measure)[0]
            if measure.is_time:
                return self._guarded(leaf, self.column(leaf))
            if tree.function == "count":
                return _or_zero(self.column(leaf))
            if tree.function == "sum" and self._scale(leaf) == measure.places and measure.places:
                return self._guarded(leaf, cast(_or_zero(self.column(leaf)), f"decimal(38, {measure.places})"))
        return rounded(self.fraction(measure), measure.places)

    def part(self, measure: Measure, part: str) -> exp.Expr:
        """What the mean is made of: the whole number it is the ``sum`` of, or the ``count`` of its rows."""
        total, rows = leaves_of(measure)
        return _or_zero(self.column(rows)) if part == "count" else cast(self._sum(total), "bigint")

    def fraction(self, measure: Measure) -> Fraction:
        """The measure, unrounded."""
        return self._part(measure, measure.formula.tree)

    def _part(self, measure: Measure, part: Part) -> Fraction:
        if isinstance(part, Whole):
            return Fraction(_whole(part.value))
        if isinstance(part, Named):
            return self.fraction(self.measures[part.measure])
        if isinstance(part, Arithmetic):
            return _combined(part.sign, self._part(measure, part.left), self._part(measure, part.right))
        return self._aggregated(measure, part)

    def _aggregated(self, measure: Measure, part: Aggregate) -> Fraction:
        """An aggregate in the measure's unit: only a column in microseconds is converted, and only here."""
        leaf, *counts = _leaves_by_aggregate(measure)[part]
        over = 10 ** self._scale(leaf)
        if self._unit(leaf) == "microseconds":
            over *= MICROSECONDS.get(measure.unit, 1)
        if part.function == "percentile":
            found = self._percentile(leaf)
            return Fraction(found.number, found.over * over)
        if part.function == "count":
            return Fraction(_or_zero(self.column(leaf)))
        if part.function in {"min", "max"}:
            return Fraction(self._guarded(leaf, scaled(self.column(leaf), self._scale(leaf))), over)
        return Fraction(self._sum(leaf), over, tuple(self.column(each) for each in counts))

    def _sum(self, leaf: Leaf) -> exp.Expr:
        """The sum as a whole number of its column's smallest unit."""
        return self._guarded(leaf, scaled(_or_zero(self.column(leaf)), self._scale(leaf)))

    def _percentile(self, leaf: Leaf) -> Fraction:
        """The percentile of the sorted values, null where it is money of another currency."""
        share = leaf.aggregate.share
        assert share is not None
        found = interpolated(self.column(leaf), share, self._scale(leaf))
        return Fraction(self._guarded(leaf, found.number), share.denominator)

    def _scale(self, leaf: Leaf) -> int:
        return SCALES.get(self._unit(leaf), 0)

    def _unit(self, leaf: Leaf) -> str:
        columns = leaf.aggregate.columns
        return self.facts[leaf.fact].column(columns[0]).unit if columns else ""

    def _guarded(self, leaf: Leaf, value: exp.Expr) -> exp.Expr:
        """Money in usd is null under another reporting currency."""
        if self._unit(leaf) != USD:
            return value
        return exp.Case().when(exp.Placeholder(this="currency").eq(exp.Literal.string(USD)), value)


def interpolated(values: exp.Expr, share: Share, scale: int) -> Fraction:
    """The percentile of a sorted list, linear between the two values beside its place: (1 - r) x one + r x the next.

    The values have `scale` decimal places.
    """
    over = share.denominator
    count = exp.func("len", values.copy())
    place = exp.Paren(this=exp.Mul(this=exp.Paren(this=count - 1), expression=_whole(share.numerator)))
    below = exp.Paren(this=exp.IntDiv(this=place.copy(), expression=_whole(over)))
    rest = exp.Paren(this=exp.Mod(this=place.copy(), expression=_whole(over)))
    next_at = exp.func("least", below.copy() + 2, count.copy())
    one = scaled(exp.func("list_extract", values.copy(), below.copy() + 1), scale)
    two = scaled(exp.func("list_extract", values.copy(), next_at), scale)
    number = one * exp.Paren(this=_whole(over) - rest) + two * rest.copy()
    return Fraction(exp.Paren(this=number), over * 10**scale)


def leaves_of(measure: Measure) -> tuple[Leaf, ...]:
    """The aggregates a measure of one fact is made of, a mean as its sum and count; none of one made of measures."""
    return tuple(leaf for leaves in _leaves_by_aggregate(measure).values() for leaf in leaves)


def _leaves_by_aggregate(measure: Measure) -> dict[Aggregate, tuple[Leaf, ...]]:
    found: dict[Aggregate, tuple[Leaf, ...]] = {}
    alone = len(measure.formula.aggregates) == 1
    for number, one in enumerate(measure.formula.aggregates, start=1):
        name = measure.name if alone else f"{measure.name}_{number}"
        parts = {name: one}
        if one.function == "mean":
            parts = {f"{name}_{part}": Aggregate(part, one.columns, where=one.where) for part in ("sum", "count")}
        elif one.function == "percentile":
            parts = {f"{name}_values": one}
        found[one] = tuple(Leaf(measure.fact, called, part, measure.any_currency) for called, part in parts.items())
    return found


def aggregated(aggregate: Aggregate, alias: str, filters: Sequence[exp.Expr]) -> exp.Expr:
    """The aggregate over those rows of the relation `alias` for which the filters hold; its own is not among them."""
    columns = [exp.column(name, alias) for name in aggregate.columns]
    conditions = [one.copy() for one in filters]
    if aggregate.function == "count":
        if aggregate.distinct and len(columns) > 1:
            inner: exp.Expr = exp.Distinct(expressions=[exp.Tuple(expressions=columns)])
            conditions += [column.copy().is_(exp.null()).not_() for column in columns]
        elif aggregate.distinct:
            inner = exp.Distinct(expressions=columns)
        else:
            inner = columns[0] if columns else exp.Star()
        found: exp.Expr = exp.Count(this=inner)
    elif aggregate.function == "percentile":
        conditions.append(columns[0].copy().is_(exp.null()).not_())
        order = exp.Ordered(this=columns[0].copy(), nulls_first=False)
        found = exp.ArrayAgg(this=exp.Order(this=columns[0], expressions=[order]))
    else:
        found = exp.func(aggregate.function, columns[0])
    if not conditions:
        return found
    return exp.Filter(this=found, expression=exp.Where(this=exp.and_(*conditions, copy=False)))


def condition(text: str, alias: str) -> exp.Expr:
    """A declared condition, on the columns of the relation `alias`."""
    found: exp.Expr = _parsed(text).copy()
    for column in found.find_all(exp.Column):
        if not column.table:
            column.set("table", exp.to_identifier(alias))
    return exp.Paren(this=found) if isinstance(found, exp.Or) else found


@functools.cache
def _parsed(text: str) -> exp.Expr:
    found: exp.Expr = parse_one(text, read="duckdb")
    return found


def rounded(value: Fraction, places: int) -> exp.Expr:
    """The fraction as a decimal of so many places, half away from zero; null over nothing."""
    shared = math.gcd(10**places, value.over)
    factor, over = 10**places // shared, value.over // shared
    number = value.number
    below = [_whole(over)] if over != 1 else []
    below += [exp.func("nullif", one.copy(), _whole(0)) for one in value.times]
    if not below:
        whole: exp.Expr = number if factor == 1 else exp.Paren(this=number) * _whole(factor)
    else:
        signs = [exp.func("sign", each) for each in (number.copy(), *(one.copy() for one in value.times))]
        top = exp.func("abs", _product([_whole(2 * factor), exp.Paren(this=number.copy())]))
        bottom = exp.func("abs", _product(below))
        ratio = exp.IntDiv(
            this=exp.Paren(this=top + bottom), expression=exp.Paren(this=_product([_whole(2), bottom.copy()]))
        )
        whole = _product([*signs, exp.Paren(this=ratio)])
    if not places:
        return cast(whole, "bigint")
    step = exp.Literal.number("0." + "0" * (places - 1) + "1")
    return cast(whole, "decimal(38, 0)") * step


def _combined(sign: str, left: Fraction, right: Fraction) -> Fraction:
    number: exp.Expr
    if sign == "*":
        number = exp.Paren(this=left.number) * exp.Paren(this=right.number)
        return Fraction(number, left.over * right.over, (*left.times, *right.times))
    if sign == "/":
        dividend = _product([exp.Paren(this=left.number), *_factors(right)])
        return Fraction(dividend, left.over, (*left.times, exp.Paren(this=right.number)))
    kind = exp.Add if sign == "+" else exp.Sub
    if (left.over, left.times) == (right.over, right.times):
        return Fraction(
            exp.Paren(this=kind(this=left.number, expression=exp.Paren(this=right.number))), left.over, left.times
        )
    one = _product([exp.Paren(this=left.number), *_factors(right)])
    two = _product([exp.Paren(this=right.number), *_factors(left)])
    number = exp.Paren(this=kind(this=one, expression=two))
    return Fraction(number, left.over * right.over, (*left.times, *right.times))


def _factors(value: Fraction) -> list[exp.Expr]:
    return [*([_whole(value.over)] if value.over != 1 else []), *(one.copy() for one in value.times)]


def _product(parts: list[exp.Expr]) -> exp.Expr:
    found = parts[0]
    for part in parts[1:]:
        found = exp.Mul(this=found, expression=part)
    return found


def scaled(value: exp.Expr, scale: int) -> exp.Expr:
    """The value as a whole number of its last decimal place."""
    return cast(value * _whole(10**scale) if scale else value, "hugeint")


def _or_zero(value: exp.Expr) -> exp.Expr:
    return exp.func("coalesce", value, _whole(0))


def cast(value: exp.Expr, kind: str) -> exp.Expr:
    """The value as a type of DuckDB's."""
    return exp.Cast(this=value, to=_type(kind).copy())


@functools.cache
def _type(kind: str) -> exp.DataType:
    return exp.DataType.build(kind, dialect="duckdb")


def _whole(value: int) -> exp.Expr:
    return exp.Literal.number(str(value))
