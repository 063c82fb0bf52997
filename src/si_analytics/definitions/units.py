"""Units: the rows of a fact or dimension that are worked out together, and the rows of its inputs they stand on.

Belongs here: reading that from a declaration, and the queries it gives: which units a changed row touches, and the
declared query restricted to some units. Both follow from the same matches, so they cannot contradict each other.

A query that takes one table row by row has a unit for each row and declares nothing. Any other says ``unit`` and
``stands_on``; one that does neither is worked out whole.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import sqlglot
from sqlglot import expressions as exp

from si_analytics.definitions import front_matter, matches, trees
from si_analytics.definitions.fact_models import Dimension, Fact
from si_analytics.definitions.matches import Match

CHANGED = "changed_{}"
"""The temporary table of the rows of a source that changed, as they were and as they are."""

TOUCHED = "touched_units"
"""The temporary table of the units to work out anew; its one column is `UNIT`."""

UNIT = "unit"
ROWS = "touched_rows"
"""The temporary table of the rows of the base that belong to those units, with the columns that are matched."""

# A plain column, nothing before it that it could be part of, and nothing after the moment that this could be part of.
_COMPARISON = (
    r"(?:\(|\b(?:where|and|or|not|when|on)\b|,)\s*(?:\w+\.)?(?P<column>[a-z_]\w*)\s*(?:<=|>=|<|>)\s*"
    r"(?:\${parameter}\b|cast\(\s*\${parameter} as timestamptz\s*\))"
    r"(?=\s*(?:\)|,|$|\b(?:and|or|then|group|order|union|limit)\b))"
)
_MORE_THAN_ROWS = ("with_", "joins", "group", "having", "qualify", "distinct", "limit", "offset", "laterals")


@dataclass(frozen=True)
class Unit:
    """The rows whose `result` is the same value of the `column` of the source `base`; what else they stand on."""

    base: str
    column: str
    result: str
    inputs: Mapping[str, tuple[Match, ...]] = field(default_factory=dict)


def of(one: Fact | Dimension) -> Unit | None:
    """The units of a fact or dimension; None where it has none, so that it is worked out whole."""
    if not one.unit:
        return _row_by_row(one.text, one.base)
    ((column, result),) = one.unit.items()
    stands_on = {source: matches.read(one.path, texts) for source, texts in one.stands_on.items()}
    return Unit(one.base, column, result, stands_on)


def _tree(text: str) -> exp.Expr:
    return sqlglot.parse_one(front_matter.query(text), dialect="duckdb")


@functools.lru_cache(maxsize=256)
def _row_by_row(text: str, base: str) -> Unit | None:
    """A unit for each row of a query that only chooses columns and rows of one table; by its first plain column."""
    tree = _tree(text)
    tables = list(tree.find_all(exp.Table))
    if not isinstance(tree, exp.Select) or any(tree.args.get(part) for part in _MORE_THAN_ROWS):
        return None
    if len(tables) != 1 or tables[0].db != "raw" or tables[0].name != base:
        return None
    if any(tree.find(kind) for kind in (exp.AggFunc, exp.Window, exp.Subquery, exp.Explode, exp.Unnest)):
        return None
    first = tree.expressions[0]
    plain = first.this if isinstance(first, exp.Alias) else first
    return Unit(base, plain.name, first.alias_or_name) if isinstance(plain, exp.Column) else None


@functools.lru_cache(maxsize=512)
def compared(text: str, parameter: str) -> frozenset[str] | None:
    """The columns that a query compares with a moment; None if it does, or may do, anything else with it.

    Whatever else it does, a new moment may change any row; where it only compares, the rows whose times it passed.
    """
    # Not by a tree: reading that of a long query takes longer than running it.
    own = re.sub(r"--.*", "", front_matter.query(text))
    found = _COMPARISON.format(parameter=parameter)
    names = [one.group("column") for one in re.finditer(found, own, re.IGNORECASE)]
    return frozenset(names) if len(names) == len(re.findall(rf"\${parameter}\b", own)) else None


def touched(unit: Unit, source: str) -> Iterator[exp.Query]:
    """Queries of the units that the changed rows of a source touch; none where that cannot be told."""
    if source == unit.base:
        yield _values(CHANGED.format(source), (unit.column,))
        return
    for match in unit.inputs.get(source, ()):
        found = _values(CHANGED.format(source), match.right)
        if not match.through:
            yield _of_base(unit, match, found)
            continue
        list_of = exp.select(
            *(trees.column(name) for own in unit.inputs[match.through] for name in own.right),
            exp.alias_(exp.Explode(this=trees.column(match.left[0])), "member"),
        ).from_(trees.relation(match.through, "raw"))
        for own in unit.inputs[match.through]:
            held = exp.select(*(trees.column(name) for name in own.right)).from_(list_of.subquery("held"))
            yield _of_base(unit, own, held.where(_within(("member",), found)))


def _of_base(unit: Unit, match: Match, found: exp.Query) -> exp.Query:
    """The units of the rows of the base whose columns are among the values found."""
    if match.left == (unit.column,):
        return found
    base = exp.select(trees.column(unit.column)).from_(trees.relation(unit.base, "raw"))
    return base.where(_within(match.left, found))


def rows(unit: Unit) -> exp.Select:
    """The query of `ROWS`: what is matched of the base's rows of the units `TOUCHED`."""
    names = {unit.column: None}
    for ways in unit.inputs.values():
        names.update({name: None for match in ways if not match.through for name in match.left})
    found = exp.select(*(trees.column(name) for name in names)).distinct().from_(trees.relation(unit.base, "raw"))
    return found.where(_within((unit.column,), _values(TOUCHED, (UNIT,))))


def restricted(one: Fact | Dimension, unit: Unit) -> exp.Expr:
    """The declared query, over no more rows of its inputs than the units `TOUCHED` stand on."""
    tree = _tree(one.text)
    for table in list(tree.find_all(exp.Table)):
        wanted = _wanted(unit, table.name) if table.db == "raw" else None
        if wanted is not None:
            some = exp.select("*").from_(trees.relation(table.name, "raw")).where(wanted)
            table.replace(some.subquery(table.alias_or_name))
    return tree


def _wanted(unit: Unit, source: str) -> exp.Expr | None:
    if source == unit.base:
        return _within((unit.column,), _values(TOUCHED, (UNIT,)))
    matches = unit.inputs.get(source, ())
    if not matches or any(match.through for match in matches):
        return None
    return exp.or_(*(_within(match.right, _values(ROWS, match.left)) for match in matches))


def _values(table: str, names: tuple[str, ...]) -> exp.Select:
    return exp.select(*(trees.column(name) for name in names)).from_(trees.relation(table, "temp"))


def _within(names: tuple[str, ...], query: exp.Query) -> exp.Expr:
    found = [trees.column(name) for name in names]
    left = found[0] if len(found) == 1 else exp.Tuple(expressions=found)
    return exp.In(this=left, query=query.subquery())
