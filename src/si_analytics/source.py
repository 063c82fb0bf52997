"""The operational database as an extraction finds it: its moment, its server, its tables as they stand.

Belongs here: asking Postgres's catalogs through DuckDB's attachment, within the snapshot that is read.
May import: `errors`, `sql`, `operational`, `contract`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import duckdb

from si_analytics import contract, operational, sql
from si_analytics.errors import ExtractError

ANALYTICS = "analytics"
REFRESHES = "refreshes"
MARKS = frozenset({"ctid", "xmin"})
"""Where a row lies and which transaction wrote it: the columns of Postgres's own by which changes are found."""


@dataclass(frozen=True)
class Position:
    """A place in the log of a cluster: the timeline, and the bytes from its beginning."""

    timeline: int
    bytes: int

    @classmethod
    def read(cls, text: str | None) -> Position | None:
        """The position that was written down as `text`; none where none was."""
        return cls(*map(int, text.split("/"))) if text else None

    def __str__(self) -> str:
        return f"{self.timeline}/{self.bytes}"

    def follows(self, earlier: Position | None) -> bool:
        """Whether a server that came this far went through the `earlier` place; on one timeline it can be told."""
        return earlier is not None and self.timeline == earlier.timeline and self.bytes >= earlier.bytes


@dataclass(frozen=True)
class Snapshot:
    """The moment an extraction describes: Postgres's name for it, Postgres's clock then, and which database it is.

    ``server`` names cluster and database; empty where the role may not ask. ``position`` is a place in the server's
    log that the snapshot is not beyond, none where it is not known; ``reached`` one that it is not before.
    """

    id: str
    taken_at: datetime
    server: str = ""
    position: Position | None = None
    reached: Position | None = None
    standby: bool = False

    @property
    def xmin(self) -> int:
        """The first transaction that was, or may have been, still in progress."""
        return int(self.id.split(":")[0])

    @property
    def xmax(self) -> int:
        """The first transaction that had not begun."""
        return int(self.id.split(":")[1])


@dataclass(frozen=True)
class Relation:
    """A table or view as it stands; ``file`` is the number of the file its rows lie in.

    ``readable`` says whether this role may read the whole of it, ``marks_readable`` whether where a row lies and who
    wrote it, ``rows_hidden`` whether policies apply to it. ``closed`` names the columns it may not read.
    """

    schema: str
    name: str
    oid: int
    file: int
    kind: str
    access_method: str
    has_children: bool
    readable: bool
    marks_readable: bool
    rows_hidden: bool
    definition: str
    columns: tuple[contract.Column, ...]
    numbers: tuple[int, ...]
    closed: frozenset[str]


@dataclass(frozen=True)
class Source:
    """Where an extracted table is read: the table itself, or the view for a role that may not see all of it."""

    table: str
    relation: Relation
    base: Relation
    drift: tuple[contract.Drift, ...]

    @property
    def direct(self) -> bool:
        """Whether the table itself is read."""
        return self.relation is self.base

    @property
    def identity(self) -> str:
        """Changes whenever values may have changed that no transaction's mark on a row would tell of."""
        base, read = self.base, contract.columns(self.table)
        shape = [[number, one.name, one.type] for number, one in zip(base.numbers, base.columns, strict=True)]
        asked = [[one.name, one.type] for one in read]
        parts = [base.oid, base.file, shape, asked, self.relation.oid, self.relation.definition]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]


def ask(connection: duckdb.DuckDBPyConnection, text: str, **values: object) -> list[tuple[Any, ...]]:
    """The rows of one query, run by Postgres within the snapshot held, with the `values` of its parameters."""
    text = operational.bound(text, values) if values else text
    return connection.sql("select * from postgres_query('pg', $text)", params={"text": text}).fetchall()


def reached(connection: duckdb.DuckDBPyConnection) -> Position | None:
    """How far the server has come, asked before a snapshot is taken; none where this role may not ask."""
    ((*_, may_ask, _),) = ask(connection, sql.read("catalog", "snapshot").text)
    if not may_ask:
        return None
    ((timeline, _, place),) = ask(connection, sql.read("catalog", "position").text)
    return Position(timeline, place)


def snapshot(connection: duckdb.DuckDBPyConnection, before: Position | None = None) -> Snapshot:
    """The moment that is read from here on; `before` it was taken the server had come that far."""
    ((name, taken_at, database, may_ask, standby),) = ask(connection, sql.read("catalog", "snapshot").text)
    moment = Snapshot(name, taken_at.astimezone(UTC), standby=standby)
    if not may_ask:
        return moment
    ((cluster,),) = ask(connection, sql.read("catalog", "cluster").text)
    ((timeline, _, place),) = ask(connection, sql.read("catalog", "position").text)
    server = server_name(cluster, database)
    return replace(moment, server=server, position=Position(timeline, place), reached=before)


def server_name(cluster: object, database: object) -> str:
    """What tells a database of one cluster from all others."""
    return f"{cluster}/{database}"


def relations(connection: duckdb.DuckDBPyConnection, schema: str) -> dict[tuple[str, str], Relation]:
    """Every table and view of the operational schema and of ours, by schema and name."""
    found: dict[tuple[str, str], list[tuple[Any, ...]]] = {}
    for row in ask(connection, operational.text(sql.read("catalog", "sources").text, schema)):
        found.setdefault((row[0], row[1]), []).append(row)
    return {place: _relation(rows) for place, rows in found.items()}


def sources(
    connection: duckdb.DuckDBPyConnection,
    held: Mapping[tuple[str, str], Relation],
    tables: Iterable[str],
    schema: str,
) -> dict[str, Source]:
    """Where each table is read. Raises SchemaError: missing or closed to this role; ExtractError: not as expected."""
    names = tuple(tables)
    absent = [name for name in names if (schema, name) not in held]
    if absent:
        asked = {"tables": list(names), "schema": schema, "found": len(names) - len(absent)}
        elsewhere = ask(connection, sql.read("catalog", "elsewhere").text, **asked)
        raise operational.absent(absent, schema, elsewhere[0][0] if elsewhere else None)
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


def replaced(connection: duckdb.DuckDBPyConnection, before: Mapping[str, Source], schema: str) -> list[str]:
    """The tables that were truncated, rewritten or dropped since the snapshot: what was read of them may be empty."""
    now = dict(ask(connection, operational.text(sql.read("catalog", "current_files").text, schema)))
    # A partitioned table has no file of its own, which reads 0 in the one place and nothing in the other.
    return [name for name, one in before.items() if (now.get(name) or 0) != one.base.file]


def _relation(rows: list[tuple[Any, ...]]) -> Relation:
    first, real = rows[0], [row for row in rows if row[11] is not None]
    columns = tuple(contract.Column(*row[12:15]) for row in real)
    closed = frozenset(row[12] for row in real if not row[15])
    return Relation(*first[:11], columns, tuple(row[11] for row in real), closed)  # type: ignore[call-arg]


def _source(held: Mapping[tuple[str, str], Relation], name: str, schema: str) -> Source | None:
    """The table where this role may read what is asked of it, the view where not, or where policies would hide rows."""
    base, view = held[schema, name], held.get((ANALYTICS, f"source_{name}"))
    asked = {column.name for column in contract.columns(name)}
    here = base.marks_readable and not asked & base.closed
    shown = view if view and view.readable else None
    chosen = (shown or base if base.rows_hidden else base) if here else shown
    return Source(name, chosen, base, contract.drift(name, base.columns)) if chosen else None
