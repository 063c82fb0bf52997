"""Where a column of a SQL file comes from: the columns of tables that its values are made of.

Belongs here: reading the queries under ``sql/`` with SQLGlot; runs nothing.

A column comes from what its expression is made of, through every common table expression, not from what
chooses, joins or orders rows. A count of rows comes from the keys of the rows counted.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from si_analytics.compute import facts, statistics
from si_analytics.definitions import Dimension, Fact, Metric, Query, Source, lookup, project
from si_analytics.errors import DefinitionError
from si_analytics.warehouse import local_offsets

if TYPE_CHECKING:
    from sqlglot import expressions
    from sqlglot.lineage import Node
    from sqlglot.optimizer.scope import Scope

Origin = tuple[str, str]
"""A table and one of its columns: ``("raw.deals", "amount")``."""

_TEMPORARY = MappingProxyType({local_offsets.TABLE: local_offsets.COLUMNS})
"""The tables that the library itself fills for queries, and their columns."""


def column_lineage(name: str) -> dict[str, tuple[Origin, ...]]:
    """Per column of metric or funnel `name`, in order: the operational columns it comes from, sorted.

    >>> lineage.column_lineage("user_ratings")["rating"]
    (('user_reviews', 'rating'),)
    """
    found, made = of(lookup(project().computed, name, "metric")), dict[str, dict[str, tuple[Origin, ...]]]()
    return {column: tuple(sorted(_operational(read, made))) for column, read in found.items()}


def _operational(read: Iterable[Origin], made: dict[str, dict[str, tuple[Origin, ...]]]) -> set[Origin]:
    """The Postgres columns that the warehouse's columns `read` come from; the library's own values come from none.

    `made` caches the lineage of each file, so that no file is read once per column.
    """
    found: set[Origin] = set()
    for table, column in read:
        schema, _, name = table.partition(".")
        if schema == "public":
            found.add((name, column))
        elif declared := _declared(table):
            if table not in made:
                made[table] = of(declared)
            found |= _operational(made[table].get(column, ()), made)
    return found


def _declared(table: str) -> Query | Source | None:
    """What fills a table of the warehouse; None for those that the library fills itself."""
    schema, _, name = table.rpartition(".")
    ours = project()
    if facts.is_one(table):
        return facts.of(table)
    if schema == "raw":
        return ours.sources[name]
    return ours.metrics[name] if schema == "metrics" else None


@functools.lru_cache(maxsize=512)
def _traced(path: str, text: str, tables: tuple[tuple[str, tuple[str, ...]], ...]) -> Mapping[str, frozenset[Origin]]:
    """Per column of the query in a file: what it is made of. `tables` are those it reads, with their columns."""
    import sqlglot
    from sqlglot.errors import SqlglotError
    from sqlglot.lineage import lineage
    from sqlglot.optimizer.qualify import qualify
    from sqlglot.optimizer.scope import build_scope

    schema: dict[str, object] = {}
    for space in {table.rpartition(".")[0] for table, columns in tables if columns}:
        named = {table.rpartition(".")[2]: columns for table, columns in tables if table.rpartition(".")[0] == space}
        schema[space or "temp"] = {name: dict.fromkeys(columns, "unknown") for name, columns in named.items()}
    try:
        tree = _with_schemas(sqlglot.parse_one(text, read="duckdb"))
        query = qualify(tree, schema=schema, dialect="duckdb", validate_qualify_columns=False, identify=False)
        scope = build_scope(query)
        if scope is None or not isinstance(query, sqlglot.exp.Query):
            raise DefinitionError(f"reading {path}", "it is no query", "Write one that selects the rows")
        scopes = {id(each.expression): each for each in scope.traverse()}
        nodes = {
            column: lineage(column, query, schema, dialect="duckdb", scope=scope, trim_selects=False, copy=False)
            for column in query.named_selects
        }
    except SqlglotError as error:
        reason = str(error).partition("\n")[0].rstrip(".")
        raise DefinitionError(
            f"telling where the columns of {path} come from",
            f"its query is not understood ({reason})",
            "Write it in words that SQLGlot knows, as the other files do",
        ) from error
    return {column: frozenset(_leaves(node, scopes)) for column, node in nodes.items()}


def _with_schemas(tree: expressions.Expr) -> expressions.Expr:
    """`tree` with a schema for the library's own tables too: SQLGlot wants one for all tables or for none."""
    from sqlglot import expressions

    for table in tree.find_all(expressions.Table):
        if table.name in _TEMPORARY and not table.db:
            table.set("db", expressions.to_identifier("temp"))
    return tree


def of(one: Query | Source) -> dict[str, tuple[Origin, ...]]:
    """Per column of a query, in order: the columns of the tables it reads, sorted.

    Tables have their schema: ``raw``, ``dimensions``, ``facts``, ``metrics`` and ``meta`` in the warehouse, ``public``
    in Postgres.
    """
    if isinstance(one, Source):
        return {column: ((f"public.{one.name}", column),) for column in one.columns}
    traced = _traced(one.path, one.text, tuple((table, _columns(table)) for table in one.inputs))
    found = {
        column: {origin for origin in origins if not origin[0].startswith("temp.")}
        for column, origins in traced.items()
    }
    for function in one.statistics if isinstance(one, Metric) else ():
        for column, used in statistics.reads(function).items():
            found[column] = found.get(column, set()).union(*(found[each] for each in used))
    return {column: tuple(sorted(origins)) for column, origins in found.items()}


def _columns(table: str) -> tuple[str, ...]:
    """The columns of a table that a file reads, as far as the files declare them."""
    declared = _declared(table)
    if isinstance(declared, Source):
        return declared.columns
    if isinstance(declared, Dimension | Fact):
        return declared.selected
    if isinstance(declared, Metric):
        return tuple(column.name for column in declared.columns)
    schema, _, name = table.rpartition(".")
    return _TEMPORARY.get(name, ()) if not schema else ()


def _leaves(node: Node, scopes: Mapping[int, Scope]) -> Iterator[Origin]:
    """The table columns at the end of every path from `node`."""
    from sqlglot import expressions

    for each in node.walk():
        if isinstance(each.expression, expressions.Table):
            yield _named(each.expression), each.name.rpartition(".")[2].strip('"')
        elif id(each.source) in scopes and _counts_rows(each.expression):
            yield from _rows(scopes[id(each.source)])


def _named(table: expressions.Table) -> str:
    """A table with its schema, without the name Postgres is attached under."""
    return f"{table.db}.{table.name}"


def _counts_rows(selected: Any) -> bool:
    """Whether it counts rows, whatever they hold."""
    from sqlglot import expressions

    if isinstance(selected, expressions.Query):
        return False
    return any(count.find(expressions.Column) is None for count in selected.find_all(expressions.Count))


def _rows(scope: Scope) -> Iterator[Origin]:
    """The keys of the rows that a query's rows are made of; an optional join adds none."""
    from sqlglot import expressions

    for part in scope.set_operation_scopes:
        yield from _rows(part)
    optional = {
        join.alias_or_name for join in scope.expression.args.get("joins") or () if join.side in {"LEFT", "FULL"}
    }
    for alias, (_, source) in scope.selected_sources.items():
        if alias in optional:
            continue
        if isinstance(source, expressions.Table):
            yield from ((_named(source), column) for column in _key(_named(source)))
        else:
            yield from _rows(source)


def _key(table: str) -> tuple[str, ...]:
    """The columns that identify a row of a table."""
    declared = _declared(table)
    if isinstance(declared, Source | Dimension):
        return (declared.key,)
    return declared.key if isinstance(declared, Fact | Metric) else ()
