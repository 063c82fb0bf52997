"""Where metrics are published: each table that a refresh writes, what of it, and whose rows they are.

Belongs here: a target as its metric's header declares it, and all that follows from it and from the DDL.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from psycopg import sql as pg_sql

from si_analytics.definitions import ddl
from si_analytics.definitions.owners import Owner
from si_analytics.errors import DefinitionError

OPERATIONAL = "public"
"""The schema that declarations write for the operational tables, wherever those are."""

OURS = "analytics"
"""The schema of the tables that only a refresh writes: the boards."""

_TAKEN = frozenset({"action", "part", "is_gone"})  # what staging and the changes add to a target's columns


@dataclass(frozen=True)
class Target:
    """A published table.

    ``table`` is written with its schema, ``key`` are its columns that tell rows apart and ``origin`` what the metric
    calls them, where it calls them otherwise. ``columns`` are written, and called the same in both. ``every`` is whose
    rows they are. Of a board only: ``types`` of key and columns, and
    ``indexes`` beside the key's, by what they are called after the
    table. ``space`` is where the operational tables are.
    """

    name: str
    metric: str
    table: str
    key: tuple[str, ...]
    columns: tuple[str, ...]
    origin: tuple[str, ...] = ()
    every: Owner | None = None
    types: tuple[tuple[str, str], ...] = ()
    indexes: tuple[tuple[str, tuple[str, ...]], ...] = ()
    space: str = OPERATIONAL

    def within(self, schema: str) -> Target:
        """This target where the operational tables are in `schema`."""
        return replace(self, space=schema)

    @property
    def source(self) -> str:
        """The metric's table in the warehouse."""
        return f"metrics.{self.metric}"

    @property
    def is_board(self) -> bool:
        """Whether only a refresh writes the table: it is ours, and a materialized view shows it."""
        return self.table.partition(".")[0] == OURS

    @property
    def adds_rows(self) -> bool:
        """Whether rows are inserted and deleted; summary columns of the owners' own table are only updated."""
        return self.every is None or self.bare != self.every.table or self.is_board

    @property
    def parent(self) -> Owner | None:
        """Who must exist for a row to be inserted, and be gone for one to be deleted; None where nobody need."""
        return self.every if self.adds_rows and not self.is_board else None

    @property
    def looked_up(self) -> tuple[tuple[str, str], ...]:
        """What is read to see whose its rows are: tables and their columns, each once."""
        if self.parent is None:
            return ()
        own = ((self.parent.table, name) for name in (self.parent.key, *dict(self.parent.where)))
        return tuple(dict.fromkeys((*own, *self.parent.within)))

    @property
    def bare(self) -> str:
        """Its table without the schema."""
        return self.table.partition(".")[2]

    @property
    def schema(self) -> str:
        """The schema its table is in."""
        declared = self.table.partition(".")[0]
        return self.space if declared == OPERATIONAL else declared

    @property
    def label(self) -> str:
        """Its table with its schema, as people write it."""
        return f"{self.schema}.{self.bare}"

    @property
    def declared(self) -> str:
        """Its table as the DDL calls it: without ``public``."""
        return self.table.removeprefix(f"{OPERATIONAL}.")

    @property
    def names(self) -> tuple[str, ...]:
        """Key and columns, as the table calls them."""
        return (*self.key, *self.columns)

    @property
    def metric_key(self) -> tuple[str, ...]:
        """The key, as the metric calls it."""
        return self.origin or self.key

    @property
    def relation(self) -> pg_sql.Identifier:
        """Its table, quoted."""
        return pg_sql.Identifier(self.schema, self.bare)

    @property
    def staging(self) -> pg_sql.Identifier:
        """The temporary table of the rows that may differ, quoted."""
        return pg_sql.Identifier("pg_temp", f"staging_{self.name}")

    @property
    def changes(self) -> pg_sql.Identifier:
        """The temporary table of the rows that differ, quoted."""
        return pg_sql.Identifier("pg_temp", f"changes_{self.name}")

    @property
    def keys(self) -> pg_sql.Composed:
        """The key's columns, quoted, with commas."""
        return pg_sql.SQL(", ").join(map(pg_sql.Identifier, self.key))


@dataclass(frozen=True)
class Limit:
    """The largest number that a column of a target takes, on either side of zero; and the largest of its type."""

    column: str
    largest: Decimal
    of_type: Decimal


def zeros(target: Target, table: ddl.DeclaredTable) -> tuple[str, ...]:
    """The columns whose default is 0: there, and nowhere else, a mean or rate of nothing is written as 0."""
    return tuple(name for name in target.columns if table.column(name).default == "0")


def limits(target: Target, table: ddl.DeclaredTable) -> tuple[Limit, ...]:
    """The range of every column that has one, by its type or by a check; the key's columns take what is there."""
    found = []
    for column in map(table.column, target.columns):
        if column.largest is not None:
            bound = column.largest if column.maximum is None else min(column.largest, column.maximum)
            found.append(Limit(column.name, bound, column.largest))
    return tuple(found)


def require_declared(target: Target, tables: Mapping[str, ddl.DeclaredTable], path: str) -> None:
    """Raise DefinitionError, naming the metric's file at `path`, where a target and the DDL do not fit together."""
    asked = f"publishing {path} to {target.table}"
    if target.declared not in tables:
        raise DefinitionError(asked, f"no file declares the table {target.declared}", "Declare it in sql/schema")
    table = tables[target.declared]
    known = {column.name: column for column in table.columns}
    taken = sorted(_TAKEN.intersection(target.names))
    if taken or not target.columns:
        found = f"a refresh needs the name {taken[0]} for itself" if taken else "it names no columns to write"
        raise DefinitionError(asked, found, "Give the column another name" if taken else "Add: columns")
    missing = [name for name in target.names if name not in known]
    if missing:
        raise DefinitionError(asked, f"the table declares no {', '.join(missing)}", f"It has {', '.join(known)}")
    if len(target.metric_key) != len(target.key):
        raise DefinitionError(asked, "key and origin differ in number", "Name each column of the key in the metric")
    if not any(set(keys) == set(target.key) for keys in (table.primary_key, *table.unique)):
        found = f"no key of the table is made of {', '.join(target.key)}"
        raise DefinitionError(asked, found, f"Its primary key is {', '.join(table.primary_key)}")
    unlike = [name for name in target.names if known[name].type.removesuffix("[]") == "json"]
    if unlike:
        raise DefinitionError(asked, f"{', '.join(unlike)} is json, which Postgres cannot compare", "Declare it jsonb")
    _require_owner(target, table, asked)


def _require_owner(target: Target, table: ddl.DeclaredTable, asked: str) -> None:
    if target.every is not None and len(target.key) != 1:
        found = f"every {target.every.name} has one row, but the key has {len(target.key)} columns"
        raise DefinitionError(asked, found, "Leave out every, or key the target by it alone")
    if target.is_board:
        return
    if target.every is None:
        found = "nothing says whose rows they are"
        raise DefinitionError(asked, found, "Add: every = the dimension that has one row each")
    left = [
        column.name
        for column in table.columns
        if target.adds_rows and column.not_null and column.default is None and column.name not in target.names
    ]
    if left:
        found = f"a new row would lack {', '.join(left)}, which may not be empty"
        raise DefinitionError(asked, found, f"Publish that too, or compute the metric for every row of {target.bare}")


def boards(targets: Iterable[Target]) -> Sequence[Target]:
    """The targets that a materialized view shows, by name."""
    return sorted((target for target in targets if target.is_board), key=lambda target: target.name)
