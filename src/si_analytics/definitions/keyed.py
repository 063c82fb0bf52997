"""Metrics whose rows can be worked out for some keys alone: by agent, brand, contact, template or user.

Belongs here: which column of which table holds that key, and a metric's query over the rows of some keys only. A
metric that goes on from what it measures, as ranks do, keeps ``measured.<metric>`` by key, and the rest follows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import sqlglot
from sqlglot import expressions as exp

from si_analytics.definitions import front_matter, measured, trees, units
from si_analytics.definitions.measured import MONTH, Vocabulary
from si_analytics.definitions.models import Metric

SCHEMA = "measured"


@dataclass(frozen=True)
class Keyed:
    """A query whose rows of one key need only the rows of that key in the tables it reads.

    ``links`` names the column of each fact that holds the key; ``home`` is the dimension of the keys, which may be
    missing; ``joined`` are other dimensions, each with the facts and columns that lead to it. ``rest`` is what a metric
    does with the rows, empty if nothing.
    """

    key: str
    text: str
    links: Mapping[str, str]
    home: tuple[str, str] | None
    joined: Mapping[str, tuple[tuple[str, str], ...]]
    rest: str = ""


def of(metric: Metric, words: Vocabulary) -> Keyed | None:
    """How a metric, as it is declared, is worked out by key; None where it is not."""
    if metric.unit:
        return _by_slices(metric, words)
    if metric.rows in {None, MONTH} or not metric.cells or metric.slices:
        return None
    dimension = words.dimensions[str(metric.rows)]
    whole = measured.whole(metric, words)
    own = front_matter.query(metric.text)
    facts = [table.removeprefix("facts.") for table in whole.inputs if table.startswith("facts.")]
    links = {f"facts.{name}": measured.link(words.facts[name], str(metric.rows)).column for name in facts}
    home = (f"dimensions.{dimension.name}", dimension.key)
    if not own.strip():
        return Keyed(dimension.key, whole.text, links, home, {})
    text, rest = measured.apart(metric, words)
    return Keyed(dimension.key, text, links, home, {}, rest)


def _by_slices(metric: Metric, words: Vocabulary) -> Keyed:
    """A metric that joins its slices by a key they all have, which it declares as its unit."""
    whole = measured.whole(metric, words)
    facts = [table.removeprefix("facts.") for table in whole.inputs if table.startswith("facts.")]
    ((name, key),) = metric.unit.items()
    links = {f"facts.{fact}": measured.link(words.facts[fact], name).column for fact in facts}
    joined = {
        table: tuple(
            (f"facts.{fact}", link.column)
            for fact in facts
            for link in words.facts[fact].links
            if f"dimensions.{link.dimension}" == table
        )
        for table in whole.inputs
        if table.startswith("dimensions.")
    }
    return Keyed(key, whole.text, links, None, joined)


def restricted(one: Keyed) -> str:
    """The query over no more than the rows of the keys in `units.TOUCHED`."""
    tree = sqlglot.parse_one(one.text, dialect="duckdb")
    columns = {**one.links, **dict([one.home] if one.home else [])}
    keys = exp.select(units.UNIT).from_(trees.relation(units.TOUCHED, "temp"))
    for table in list(tree.find_all(exp.Table)):
        column = columns.get(f"{table.db}.{table.name}")
        if column:
            held = exp.In(this=trees.column(column), query=keys.copy().subquery())
            some = exp.select("*").from_(trees.relation(table.name, table.db)).where(held)
            table.replace(some.subquery(table.alias_or_name))
    return str(tree.sql("duckdb"))
