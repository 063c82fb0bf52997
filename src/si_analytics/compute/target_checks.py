"""Checks that follow from the published targets and the DDL: numbers fit their columns, every owner has one row.

Belongs here: building their queries, in DuckDB's dialect, as trees. What they return is read by `checks`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import ROUND_FLOOR, Decimal

from sqlglot import expressions as exp

from si_analytics.definitions import ddl, targets, trees
from si_analytics.definitions.owners import Owner
from si_analytics.definitions.targets import Target
from si_analytics.definitions.trees import column, columns, relation

ORDER_OF_KEYS = ("metric", "key")

NEARLY = Decimal("0.8")
"""Which share of a column's range a value may use before a warning."""

ORDER_OF_LIMITS = ("table_name", "column_name", "key")


def values_too_large(published: Iterable[Target], tables: Mapping[str, ddl.DeclaredTable]) -> str:
    """The values that do not fit their column: table, column, key, the value, and the largest that fits.

    The limit is that of the column's type on either side of zero, or that of a check on it.
    """
    return _beyond((target, one.column, one.largest, one.largest) for target, one in _limits(published, tables))


def values_nearly_too_large(published: Iterable[Target], tables: Mapping[str, ddl.DeclaredTable]) -> str:
    """The values that use more than `NEARLY` of the range of their column's type; the same columns.

    A check is no range that a value outgrows: a rating of 5 is not near its limit.
    """
    return _beyond(
        (target, one.column, one.of_type, _nearly(one.of_type)) for target, one in _limits(published, tables)
    )


def metric_keys(published: Iterable[Target]) -> str:
    """The keys of which a metric has too few or too many rows: metric, key, how many are expected and found.

    A metric of ``every sponsor`` has one row for each sponsor there is, and no other.
    """
    owned = {target.metric: (target.metric_key[0], target.every) for target in published if target.every is not None}
    owners = {owner.name: owner for _, owner in owned.values()}
    steps: dict[str, exp.Expr] = {owner.plural: owner.keys("raw") for _, owner in sorted(owners.items())}
    parts = [_miscounted(metric, key, owner) for metric, (key, owner) in sorted(owned.items())]
    steps["final"] = exp.union(*parts, distinct=False) if len(parts) > 1 else parts[0]
    return trees.written(trees.in_steps(steps, trees.everything("final", ORDER_OF_KEYS)), "duckdb")


def _limits(
    published: Iterable[Target], tables: Mapping[str, ddl.DeclaredTable]
) -> Iterable[tuple[Target, targets.Limit]]:
    """The limits of summary columns; numbers of boards have none but those that DuckDB has as well."""
    for target in published:
        if not target.is_board:
            yield from ((target, limit) for limit in targets.limits(target, tables[target.declared]))


def _nearly(largest: Decimal) -> Decimal:
    """`NEARLY` of a range, in whole numbers of a whole one: DuckDB makes decimals of both sides otherwise, or fails."""
    share = NEARLY * largest
    return share.to_integral_value(ROUND_FLOOR) if largest == largest.to_integral_value() else share


def _beyond(asked: Iterable[tuple[Target, str, Decimal, Decimal]]) -> str:
    """The values of these columns of targets beyond a bound, with the largest that fits."""
    # Each column is compared as the type it is: only what is found is brought to one type.
    return trees.all_of([_of_column(*each) for each in asked], ORDER_OF_LIMITS)


def _of_column(target: Target, name: str, largest: Decimal, bound: Decimal) -> exp.Select:
    query = exp.select(
        trees.said(target.bare, "table_name"),
        trees.said(name, "column_name"),
        exp.alias_(_key(target.metric_key), "key"),
        exp.alias_(column(name), "value"),
        exp.alias_(_number(largest), "largest"),
    ).from_(relation(target.metric, "metrics"))
    whole = bound.to_integral_value(ROUND_FLOOR)
    # DuckDB tells from its statistics that nothing is beyond a whole number; for more decimals it reads the column.
    bounds = [bound] if whole == bound else [whole, bound]
    return query.where(*(_is_beyond(name, each) for each in bounds))


def _is_beyond(name: str, bound: Decimal) -> exp.Expr:
    return exp.or_(column(name) > _number(bound), column(name) < exp.Neg(this=_number(bound)))


def _key(names: Sequence[str]) -> exp.Expr:
    """The key as one value: several columns as a text with blanks between them."""
    if len(names) == 1:
        return column(names[0])
    return exp.ConcatWs(expressions=[exp.Literal.string(" "), *columns(names)])


def _number(value: Decimal) -> exp.Expr:
    return exp.Literal.number(f"{value:f}")


def _miscounted(metric: str, key: str, owner: Owner) -> exp.Select:
    """The keys of which a metric has another number of rows than there are owners."""
    # Metric by metric: grouping by the key alone takes less than half of grouping by both.
    sides = [
        exp.select(exp.alias_(column(owner.key), "key"), exp.alias_(exp.true(), "is_owner")).from_(owner.plural),
        exp.select(column(key), exp.false()).from_(relation(metric, "metrics")),
    ]
    expected, found = _rows_where(column("is_owner")), _rows_where(exp.not_(column("is_owner")))
    return (
        exp.select(trees.said(metric, "metric"), column("key"))
        .select(exp.alias_(expected, "expected"), exp.alias_(found, "found"))
        .from_(exp.union(*sides, distinct=False).subquery("keys"))
        .group_by(column("key"))
        .having(exp.NEQ(this=expected.copy(), expression=found.copy()))
    )


def _rows_where(condition: exp.Expr) -> exp.Expr:
    return exp.Filter(this=exp.Count(this=exp.Star()), expression=exp.Where(this=condition))
