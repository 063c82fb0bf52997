"""The operational database as an extraction finds it: its snapshot, its server, its tables.

Belongs here: asking Postgres's catalogs through DuckDB's attachment, within the open snapshot.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import duckdb
from psycopg import sql as pg_sql

from si_analytics.definitions import contract, project
from si_analytics.errors import ExtractError
from si_analytics.extract.log_position import LogPosition
from si_analytics.postgres import operational, relations

_DIGEST = "md5"

_Held = Mapping[tuple[str, str], relations.Relation]


@dataclass(frozen=True)
class Position:
    """A place in the log of a cluster: the timeline, and the number of bytes from its beginning."""

    timeline: int
    bytes: int

    @classmethod
    def read(cls, text: str | None) -> Position | None:
        """Returns the position written as `text`; None for no text."""
        return cls(*map(int, text.split("/"))) if text else None

    def __str__(self) -> str:
        return f"{self.timeline}/{self.bytes}"

    def follows(self, earlier: Position | None) -> bool:
        """Whether a server at this place has passed the `earlier` one; only certain on the same timeline."""
        return earlier is not None and self.timeline == earlier.timeline and self.bytes >= earlier.bytes


@dataclass(frozen=True)
class Snapshot:
    """The moment an extraction describes: Postgres's name for it, Postgres's clock then, and the database.

    ``server`` names cluster and database; empty if the role may not ask. ``reached`` and ``position`` are places in
    the server's log: the snapshot lies at or after ``reached`` and at or before ``position``. None if not known.
    ``log`` is how far a warehouse at this snapshot holds what a slot tells; None without one.
    """

    id: str
    taken_at: datetime
    server: str = ""
    position: Position | None = None
    reached: Position | None = None
    standby: bool = False
    log: LogPosition | None = None

    @property
    def xmin(self) -> int:
        """The first transaction that was, or may have been, still open."""
        return int(self.id.split(":")[0])

    @property
    def xmax(self) -> int:
        """The first transaction that had not begun."""
        return int(self.id.split(":")[1])

    @functools.cached_property
    def open(self) -> frozenset[int]:
        """The transactions before `xmax` that were still open."""
        return frozenset(int(number) for number in self.id.split(":")[2].split(",") if number)

    def sees(self, transaction: int) -> bool:
        """Whether it sees a committed transaction, given as the last 32 bits of its number and near enough to tell."""
        distance = (transaction - self.xmax + 2**31) % 2**32 - 2**31
        number = self.xmax + distance
        return distance < 0 and (number < self.xmin or number not in self.open)


@dataclass(frozen=True)
class ReadTable:
    """Where an extracted table is read: the table itself, or a view for a role that may not see the whole table."""

    table: str
    relation: relations.Relation
    base: relations.Relation
    drift: tuple[contract.Drift, ...]

    @property
    def direct(self) -> bool:
        """Whether the table itself is read."""
        return self.relation is self.base

    @property
    def identity(self) -> str:
        """Changes whenever values may have changed without a transaction's mark on their rows.

        For a table with parts, the identity of each part follows, so that each can be compared by itself.
        """
        base, read = self.base, contract.columns(self.table)
        shape = [[number, one.name, one.type] for number, one in zip(base.numbers, base.columns, strict=True)]
        asked = [[one.name, one.type, *([_DIGEST] if one.name in self.digests else [])] for one in read]
        file = base.file if not base.parts else 0
        whole = relations.digest([base.oid, file, shape, asked, self.relation.oid, self.relation.definition])
        return " ".join([whole, *(part.identity for part in base.parts)])

    @property
    def digests(self) -> tuple[str, ...]:
        """The columns of which only a digest is read."""
        return project().sources[self.table].digests

    @property
    def by_part(self) -> bool:
        """Whether the rows lie in several parts and the role may ask which part a row lies in."""
        return bool(self.base.parts) and self.direct and self.base.part_readable

    @property
    def native(self) -> bool:
        """Whether DuckDB's own scan can read the table: no column needs a cast, and no part needs telling apart."""
        return not self.by_part and not any(isinstance(one, pg_sql.Composed) for one in self.selected())

    @property
    def place(self) -> pg_sql.Identifier:
        """The relation that is read."""
        return pg_sql.Identifier(self.relation.schema, self.relation.name)

    @property
    def standing(self) -> pg_sql.Composable:
        """The condition for a row of the snapshot: in a table with parts, only the parts it had then count."""
        return self.in_parts(part.oid for part in self.base.parts) if self.by_part else pg_sql.SQL("true")

    def in_parts(self, oids: Iterable[int]) -> pg_sql.Composed:
        """Returns the condition for a row that lies in one of these parts."""
        listed = pg_sql.Literal(f"{{{','.join(map(str, oids))}}}")
        return pg_sql.SQL("{} = any({}::oid[])").format(pg_sql.Identifier(relations.PART), listed)

    def selected(self, *, flat: bool = False) -> list[pg_sql.Composable]:
        """Returns the listed columns; casts one of an unexpected type to a type that holds all its values.

        Leaves arrays of several dimensions as they are, or makes them one-dimensional if `flat`. Takes the digest of a
        column of which no more is read; a view of ours shows that already.
        """
        found = {column.name: column for column in self.base.columns}
        return [
            _digest(column.name)
            if self.direct and column.name in self.digests
            else _asked(column, found[column.name], flat)
            for column in contract.columns(self.table)
        ]

    @property
    def rows(self) -> str:
        """The query that reads all rows."""
        query = pg_sql.SQL("select {} from {} where {}")
        columns = pg_sql.SQL(", ").join(self.selected(flat=True))
        return query.format(columns, self.place, self.standing).as_string(None)


def ask(connection: duckdb.DuckDBPyConnection, text: str, **values: object) -> list[tuple[Any, ...]]:
    """Returns the rows of one query, which Postgres runs within the open snapshot, with `values` as parameters."""
    text = operational.bound(text, values) if values else text
    return connection.sql("select * from postgres_query('pg', $text)", params={"text": text}).fetchall()


def reached(connection: duckdb.DuckDBPyConnection) -> Position | None:
    """Returns how far the server has come, asked before a snapshot is taken; None if this role may not ask."""
    ((*_, may_ask, _),) = ask(connection, project().postgres.snapshot.text)
    if not may_ask:
        return None
    ((timeline, _, place),) = ask(connection, project().postgres.position.text)
    return Position(timeline, place)


def snapshot(connection: duckdb.DuckDBPyConnection, before: Position | None = None) -> Snapshot:
    """Returns the snapshot that is read from now on; `before` is how far the server had come before it was taken."""
    ((name, taken_at, database, may_ask, standby),) = ask(connection, project().postgres.snapshot.text)
    moment = Snapshot(name, taken_at.astimezone(UTC), standby=standby)
    if not may_ask:
        return moment
    ((cluster,),) = ask(connection, project().postgres.cluster.text)
    ((timeline, _, place),) = ask(connection, project().postgres.position.text)
    server = server_name(cluster, database)
    return replace(moment, server=server, position=Position(timeline, place), reached=before)


def server_name(cluster: object, database: object) -> str:
    """Returns a name that tells this database of this cluster from all others."""
    return f"{cluster}/{database}"


def standing_relations(connection: duckdb.DuckDBPyConnection, schema: str) -> dict[tuple[str, str], relations.Relation]:
    """Returns every table and view of the operational schema and of ours, by schema and name."""
    return relations.described(lambda text: ask(connection, text), schema)


def sources(
    connection: duckdb.DuckDBPyConnection,
    held: _Held,
    tables: Iterable[str],
    schema: str,
) -> dict[str, ReadTable]:
    """Returns where to read each table. Raises SchemaError: missing; ExtractError: closed, or not as declared."""
    names = tuple(tables)
    absent = [name for name in names if (schema, name) not in held]
    if absent:
        asked = {"tables": list(names), "schema": schema, "found": len(names) - len(absent)}
        elsewhere = ask(connection, project().postgres.elsewhere.text, **asked)
        raise operational.absent(absent, schema, elsewhere[0][0] if elsewhere else None)
    _require_current(held, names, schema)
    chosen = {name: _source(held, name, schema) for name in names}
    closed = [name for name, source in chosen.items() if source is None]
    if closed:
        raise ExtractError(
            "reading the operational tables",
            f"this role may read neither {', '.join(closed)} nor the views made of them",
            "Grant it the role si_reader, which `si schema roles` sets up, or select on the tables",
        )
    found = {name: source for name, source in chosen.items() if source}
    contract.require([drift for source in found.values() for drift in source.drift])
    return found


def replaced(connection: duckdb.DuckDBPyConnection, before: Mapping[str, ReadTable], schema: str) -> list[str]:
    """Returns the tables truncated, rewritten, swapped or dropped since the snapshot: they may have read as empty."""
    text = operational.text(project().postgres.current_files.text, schema)
    now = {oid: found for oid, *found in ask(connection, text)}
    return [name for name, one in before.items() if not _untouched(one, now)]


def taken_apart(connection: duckdb.DuckDBPyConnection, one: ReadTable) -> bool:
    """Whether a table that was just read lost a part after the snapshot, so that the part was never opened."""
    if not one.base.parts:
        return False
    opened = {oid for (oid,) in ask(connection, project().postgres.opened.text)}
    return any(part.oid not in opened for part in one.base.parts)


def _untouched(one: ReadTable, now: Mapping[int, Sequence[int | None]]) -> bool:
    """Whether the names still lead to what was read, and every file is still the same."""
    named = all(now[each.oid][0] == each.oid for each in (one.base, one.relation))
    # A view or partitioned table has no file of its own: one query gives 0 for it, the other null.
    files = {one.base.oid: one.base.file, **{part.oid: part.file for part in one.base.parts}}
    return named and all((now[oid][1] or 0) == file for oid, file in files.items())


def _require_current(held: _Held, names: Sequence[str], schema: str) -> None:
    """Raises ExtractError if a table can only be read through a view, and that view shows another table."""
    stale = [
        name for name in names if not _readable_itself(held, name, schema) and _view(held, name, schema, current=False)
    ]
    if stale:
        raise ExtractError(
            "reading the operational tables",
            f"{', '.join(f'{relations.ANALYTICS}.source_{name}' for name in stale)} shows another table than the one"
            f" called {', '.join(stale)} by now, which this role may not read itself",
            "Nothing was published; bring the views and rights up to it, as the owner: si schema roles",
        )


def _source(held: _Held, name: str, schema: str) -> ReadTable | None:
    """Returns the table, or the view if the table is closed or policies hide its rows; None if both are closed."""
    base, view = held[schema, name], _view(held, name, schema, current=True)
    chosen = base if _readable_itself(held, name, schema) else view or (base if _open(base, name) else None)
    return ReadTable(name, chosen, base, contract.drift(name, base.columns, base.kind)) if chosen else None


def _readable_itself(held: _Held, name: str, schema: str) -> bool:
    base = held[schema, name]
    return _open(base, name) and not base.rows_hidden


def _open(base: relations.Relation, name: str) -> bool:
    """Whether this role may read all that is asked of a table; a view has no row marks to read."""
    asked = {column.name for column in contract.columns(name)}
    return (base.marks_readable or base.kind in relations.VIEWS) and not asked & base.closed


def _view(held: _Held, name: str, schema: str, *, current: bool) -> relations.Relation | None:
    """Returns the view of a table if this role may read it and it shows that table (`current`), or does not."""
    base, view = held[schema, name], held.get((relations.ANALYTICS, f"source_{name}"))
    return view if view and view.readable and (view.stands_on == {base.oid}) is current else None


def _asked(expected: contract.ReadColumn, found: contract.ReadColumn, flat: bool) -> pg_sql.Composable:
    """Returns a column as is if its type arrives exactly, else cast to the type that holds all its values."""
    name, kind = pg_sql.Identifier(expected.name), contract.read_as(expected.type, found)
    value = _flat(name) if flat and expected.type.endswith("[]") else name
    if kind is None or contract.arrives(expected.type, found.type):
        return name if value is name else pg_sql.SQL("{} as {}").format(value, name)
    return pg_sql.SQL("({})::{} as {}").format(value, pg_sql.SQL(kind), name)


def _digest(name: str) -> pg_sql.Composable:
    """Returns the digest of a column: equal where the values are equal, and not the values themselves."""
    return pg_sql.SQL("{}({}::text) as {}").format(
        pg_sql.SQL(_DIGEST), pg_sql.Identifier(name), pg_sql.Identifier(name)
    )


def _flat(name: pg_sql.Identifier) -> pg_sql.Composable:
    """Returns an array with one dimension: the elements in their order."""
    return pg_sql.SQL(
        "case when array_ndims({name}) > 1 then array(select element from unnest({name})"
        " with ordinality as elements (element, place) order by place) else {name} end"
    ).format(name=name)
