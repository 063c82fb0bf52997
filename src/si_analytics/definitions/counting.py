"""The query that adds up a fact: its rows of a window and a currency, by what they are grouped by.

Belongs here: one select over one fact, whatever asks for it. A fact is added up before it meets another.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlglot import expressions as exp

from si_analytics.definitions import exact, trees
from si_analytics.definitions.exact import Leaf, aggregated, condition, leaves_of
from si_analytics.definitions.fact_models import Dimension, Fact, Measure
from si_analytics.definitions.grouping import Joins

ALWAYS = "always"


@dataclass(frozen=True)
class Span:
    """The names of the parameters that a window begins and ends with; a window without a beginning has it null.

    One that is `optional` has no rows where it has no beginning: the window before.
    """

    since: str = "since"
    until: str = "until"
    optional: bool = False


BEFORE = Span("previous_since", "previous_until", optional=True)
NOW = Span()


def leaves(measures: Iterable[Measure], known: Mapping[str, Measure]) -> dict[str, list[Leaf]]:
    """The aggregates that measures are made of, by the fact they are of; those of measures of measures as well."""
    found: dict[str, dict[Leaf, None]] = {}
    for measure in measures:
        for leaf in leaves_of(measure):
            found.setdefault(leaf.fact, {})[leaf] = None
        for fact, further in leaves([known[name] for name in measure.formula.measures], known).items():
            found.setdefault(fact, {}).update(dict.fromkeys(further))
    return {fact: list(each) for fact, each in found.items()}


def within(fact: Fact, span: Span) -> list[exp.Expr]:
    """That a row lies in the window: since <= time < until. A row without a time lies in none that begins."""
    time, since, until = exp.column(fact.time, fact.name), _moment(span.since), _moment(span.until)
    begins: exp.Expr = time.copy() >= since
    if not span.optional:
        begins = exp.Paren(this=exp.or_(since.copy().is_(exp.null()), begins))
    ends: exp.Expr = time < until
    if fact.timeless == ALWAYS and not span.optional:
        ends = exp.Paren(this=exp.or_(ends, time.copy().is_(exp.null())))
    if not fact.known:
        return [begins, ends]
    known = exp.column(fact.known, fact.name)
    return [begins, ends, exp.Paren(this=exp.or_(known < until.copy(), known.copy().is_(exp.null())))]


def in_currency(fact: Fact) -> exp.Expr | None:
    """That a row is of the reporting currency; None for a fact without currencies."""
    if fact.currency is None:
        return None
    return exp.column(fact.currency, fact.name).eq(exp.Placeholder(this="currency"))


def counted(
    fact: Fact,
    asked: Sequence[Leaf],
    groups: Mapping[str, exp.Expr],
    joins: Joins,
    conditions: Iterable[exp.Expr],
) -> exp.Select:
    """One row per group: the aggregates asked for, over the rows of the fact that meet the conditions.

    A group exists only where a row is taken in by one of the aggregates: each has its own filter, and those of money
    the reporting currency.
    """
    table = trees.relation(fact.name, "facts", fact.name)
    filters = {leaf: takes_in(fact, leaf) for leaf in asked}
    shared = [one for one in next(iter(filters.values())) if all(one in each for each in filters.values())]
    own = {leaf: [one for one in each if one not in shared] for leaf, each in filters.items()}
    chosen: list[exp.Expr] = [exp.alias_(each, name) for name, each in groups.items()]
    chosen += [exp.alias_(aggregated(leaf.aggregate, fact.name, own[leaf]), leaf.name) for leaf in asked]
    query = joins.on(exp.select(*chosen, copy=False).from_(table, copy=False))
    wanted = [*conditions, *(one.copy() for one in shared)]
    if all(own.values()):
        any_of = dict.fromkeys(exp.and_(*(one.copy() for one in each)) for each in own.values())
        wanted.append(exp.Paren(this=exp.or_(*any_of)))
    if wanted:
        query = query.where(*wanted, copy=False)
    return query.group_by(*(each.copy() for each in groups.values()), copy=False) if groups else query


def takes_in(fact: Fact, leaf: Leaf) -> list[exp.Expr]:
    """That an aggregate takes a row in: its own filter, and of money the reporting currency."""
    found = [condition(leaf.aggregate.where, fact.name)] if leaf.aggregate.where else []
    money = None if leaf.any_currency else in_currency(fact)
    return found if money is None else [money, *found]


def dimension_table(dimension: Dimension) -> exp.Expr:
    """The table of a dimension, under its own name."""
    return trees.relation(dimension.name, "dimensions", dimension.name)


def _moment(name: str) -> exp.Expr:
    return exact.cast(exp.Placeholder(this=name), "timestamptz")
