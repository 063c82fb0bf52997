"""The check that follows from facts and dimensions: each key stands once, so that no join counts a fact twice.

Belongs here: building its query, in DuckDB's dialect, as a tree. What it returns is read by `checks`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from sqlglot import expressions as exp

from si_analytics.definitions import Project, trees
from si_analytics.definitions.trees import columns, relation

ORDER_OF_KEYS = ("table_name", "key")


def fact_keys(ours: Project, among: Collection[str] | None = None) -> str:
    """The keys that more than one row of a fact or dimension has: table, key as text, and how many rows.

    `among` these alone, where they are named.
    """
    count = exp.Count(this=exp.Star())
    parts = [
        exp.select(trees.said(f"{schema}.{name}", "table_name"), _key(key), exp.alias_(count.copy(), "copies"))
        .from_(relation(name, schema))
        .group_by(*columns(key))
        .having(count.copy() > exp.Literal.number(1))
        for schema, name, key in _keyed(ours)
        if among is None or f"{schema}.{name}" in among
    ]
    return trees.all_of(parts, ORDER_OF_KEYS)


def keys(ours: Project) -> dict[str, tuple[str, ...]]:
    """The key of each fact and dimension, by its table."""
    return {f"{schema}.{name}": key for schema, name, key in _keyed(ours)}


def _keyed(ours: Project) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    for dimension in ours.dimensions.values():
        yield "dimensions", dimension.name, (dimension.key,)
    for fact in ours.facts.values():
        yield "facts", fact.name, fact.key


def _key(names: tuple[str, ...]) -> exp.Expr:
    """The key as a text: several columns with blanks between them."""
    texts = [exp.cast(column, "varchar") for column in columns(names)]
    joined = exp.ConcatWs(expressions=[exp.Literal.string(" "), *texts]) if len(texts) > 1 else texts[0]
    return exp.alias_(joined, "key")
