"""The query of the facts behind a number: which rows its aggregates take in, and what each of them adds.

Belongs here: the parts a measure is made of, and the rows of a part, as a SQLGlot tree.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlglot import expressions as exp

from si_analytics.definitions import counting, exact, trees
from si_analytics.definitions.exact import Leaf
from si_analytics.definitions.expressions import Aggregate
from si_analytics.definitions.fact_models import Measure
from si_analytics.definitions.grouping import Joins
from si_analytics.definitions.measured import Vocabulary
from si_analytics.definitions.sliced import Asked, filters


@dataclass(frozen=True)
class Behind:
    """What one number is made of: an aggregate of one fact, and what it is called beside the others."""

    name: str
    leaf: Leaf


def parts(measure: Measure, words: Vocabulary) -> tuple[Behind, ...]:
    """The aggregates that a measure is made of, a mean being one; those of a ratio apart, in order."""
    found = [part for name in measure.formula.measures for part in parts(words.measures[name], words)]
    aggregates = measure.formula.aggregates
    for at, one in enumerate(aggregates):
        name = measure.name if len(aggregates) == 1 else f"{measure.name}: {'numerator' if at == 0 else 'denominator'}"
        found.append(Behind(name, Leaf(measure.fact, measure.name, one, measure.any_currency)))
    return tuple(found)


def rows(asked: Asked, words: Vocabulary, part: Behind, *, of_several: bool) -> exp.Select:
    """The facts that a part of a number takes in, each with its value and the operational row it comes from."""
    fact, joins = words.facts[part.leaf.fact], Joins(utc=asked.utc)
    conditions = [*counting.within(fact, counting.NOW), *filters(fact, words, asked, joins)]
    conditions += counting.takes_in(fact, part.leaf)
    aggregate = part.leaf.aggregate
    counted = [exp.column(name, fact.name) for name in aggregate.columns]
    if aggregate.function != "count" or len(counted) == 1:
        conditions += [one.copy().is_(exp.null()).not_() for one in counted]
    chosen: list[exp.Expr] = [trees.said(part.name, "part")] if of_several else []
    chosen += [exp.column(name, fact.name) for name in fact.selected]
    ((table, key),) = fact.row.items()
    chosen += [trees.said(table, "source_table"), exp.alias_(exp.column(key, fact.name), "source_id")]
    chosen.append(exp.alias_(_worth(aggregate, counted), "value"))
    query = joins.on(exp.select(*chosen, copy=False).from_(trees.relation(fact.name, "facts", fact.name), copy=False))
    return query.where(*conditions, copy=False)


def _worth(aggregate: Aggregate, columns: Sequence[exp.Expr]) -> exp.Expr:
    """What a row adds: its value, 1 where rows are counted, the key where distinct ones are."""
    if aggregate.function != "count":
        return columns[0]
    if not aggregate.distinct:
        return exp.Literal.number(1)
    texts = [exact.cast(one.copy(), "varchar") for one in columns]
    return exp.func("concat_ws", exp.Literal.string(" "), *texts) if len(texts) > 1 else texts[0]
