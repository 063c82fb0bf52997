"""Brings what is stored up to new source rows by what changed, or computes it whole, and says why.

Belongs here: facts and dimensions. The rows of the changed units go, and those of the same query restricted to these
units take their place; docs/computing.md proves that this is what the whole query gives. Metrics follow in
`metric_upkeep`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import LiteralString

import duckdb
from sqlglot import expressions as exp

from si_analytics.compute import facts
from si_analytics.definitions import Dimension, Fact, trees, units
from si_analytics.definitions.units import Unit
from si_analytics.warehouse import changes, statements

MOST_CHANGED = 0.2
"""Above about this share of touched units, computing the whole is quicker."""

FEW = 1000
"""So many touched units are always worked out by themselves."""

COMPARED = 200_000
"""Up to so many rows, what a whole computation changed is found by comparing."""

_TABLES = "select schema_name || '.' || table_name from duckdb_tables() where database_name = current_database()"
_TIME = "TIMESTAMP WITH TIME ZONE"


@dataclass(frozen=True)
class Stored:
    """A table that was brought up: its rows, how many of them changed, and why it was computed whole, if it was.

    ``changed`` is None where that is not known.
    """

    table: str
    rows: int
    changed: int | None
    reason: str


class Upkeep:
    """Brings up the facts and dimensions of one working file to its raw tables, as of one moment.

    ``before`` is the moment of the refresh that the file was of; None if it was of none. What changed in each table is
    left in a temporary one, `changed_name`, for whatever is computed from it.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection, as_of: datetime, before: datetime | None = None) -> None:
        self._connection, self._as_of, self.before = connection, as_of, before
        self._left = facts.left_behind(connection)
        self._held = frozenset(name for (name,) in connection.sql(_TABLES).fetchall())
        self._sources: dict[tuple[str, datetime | None], int] = {}
        self._due: dict[str, tuple[datetime, frozenset[str] | None, int]] = {}
        self._written: dict[str, int | None] = {}
        self._changed: dict[str, int | None] = {}
        self._columns: dict[str, tuple[str, ...]] = {}

    def bring_up(self, table: str) -> Stored:
        """Store a fact or dimension as it is now, by its changes where they can be told."""
        found = self._brought_up(table)
        self._changed[table] = found.changed
        return found

    def changes(self, table: str) -> int | None:
        """How many rows of a fact, dimension or raw table changed, as they were and as they are; None if not known."""
        schema, _, name = table.partition(".")
        return self.written(name) if schema == "raw" else self._changed.get(table)

    def written(self, source: str) -> int | None:
        """How many rows of a raw table the extraction changed; None if that is not known."""
        if source not in self._written:
            held = self.is_stored(f"{changes.SCHEMA}.{source}")
            self._written[source] = self.count(f"{changes.SCHEMA}.{source}") if held else None
        return self._written[source]

    def due(self, table: str, before: datetime, times: frozenset[str] | None = None) -> int:
        """How many rows of a table have one of these times, or any, between that moment and now.

        They are in the temporary table `due_name` until it is asked of the table again.
        """
        if self._due.get(table, ())[:2] != (before, times):
            self._due[table] = (before, times, self._find_due(table, before, times))
        return self._due[table][2]

    def touch(self, queries: Sequence[exp.Query]) -> int:
        """Fill `units.TOUCHED` with what the queries find; return how many units they are."""
        self._run("drop table if exists {touched}")
        if not queries:
            return 0
        every = statements.query(" union ".join(query.sql("duckdb") for query in queries))
        self._run(
            "create temporary table {touched} as"
            " select {unit} from ({every}) as found ({unit}) where {unit} is not null",
            every=every,
        )
        return self.count(f"temp.main.{units.TOUCHED}")

    def is_much(self, touched: int, table: str) -> bool:
        """Whether so many units of a table are touched that computing all of them is quicker."""
        return touched > FEW and touched > MOST_CHANGED * self.count(table)

    def differing(self, new: str, old: str, into: str = "differing_rows") -> int:
        """Fill the temporary table `into` with the rows of one of two that the other has not; return how many."""
        self._run(
            "create or replace temporary table {into} as"
            " select *, true as {is_new} from (from {new} except all from {old})"
            " union all select *, false as {is_new} from (from {old} except all from {new})",
            into=into,
            new=new,
            old=old,
        )
        return self.count(f"temp.main.{into}")

    def compared(self, table: str, into: str = "differing_rows") -> int | None:
        """Fill `into` with what is other in a table than in the temporary one of old rows; None if columns differ."""
        old, new = self._connection.table("temp.main.old_rows"), self._connection.table(table)
        if (old.columns, old.types) != (new.columns, new.types):
            return None
        self._run("create or replace temporary table new_rows as from {table}", table=table)
        return self.differing("new_rows", "old_rows", into)

    def count(self, table: str) -> int:
        """The rows of a table."""
        row = self._connection.table(table).aggregate("count(*)").fetchone()
        return int(row[0]) if row else 0

    def columns(self, table: str) -> tuple[str, ...]:
        """The columns of a table; none if there is no such table."""
        if table not in self._columns:
            self._columns[table] = tuple(self._connection.table(table).columns) if self.is_stored(table) else ()
        return self._columns[table]

    def is_stored(self, table: str) -> bool:
        """Whether the file held a table of that schema and name before anything was brought up."""
        return table in self._held

    def _brought_up(self, table: str) -> Stored:
        one, held = facts.of(table), self._left.get(table)
        unit = units.of(one)
        why = self._untold(one, unit, held)
        if why or unit is None or held is None:
            return self._whole(table, why)
        touched = self.touch(self._units(one, unit, held.as_of))
        if self.is_much(touched, table):
            return self._whole(table, "most of its rows changed")
        changed = self._replace(table, one, unit) if touched else self._nothing(table)
        facts.mark(self._connection, table, self._as_of)
        return Stored(table, self.count(table), changed, "")

    def _untold(self, one: Fact | Dimension, unit: Unit | None, held: facts.Held | None) -> str:
        """Why the changed rows of a table cannot be told; empty if they can."""
        if held is None:
            return "it was not stored before"
        if not held.is_of_today:
            return "its query is another than it was"
        if unit is None:
            return "it does not say which rows are worked out together"
        if held.as_of not in {None, self._as_of} and units.compared(one.text, "as_of") is None:
            return "it does more with as_of than compare times with it"
        sources = [table.removeprefix("raw.") for table in one.inputs]
        whole = [source for source in sources if self.written(source) is None]
        if whole:
            return f"what changed in {', '.join(whole)} is not known"
        unmatched = [source for source in sources if source != unit.base and source not in unit.inputs]
        moved = [source for source in unmatched if self._source(source, held.as_of)]
        return f"{', '.join(moved)} changed, which stands_on leaves out" if moved else ""

    def _whole(self, table: str, reason: str) -> Stored:
        """Compute a table from all rows, and compare it with the one before where that is quick."""
        compared = self.is_stored(table) and self.count(table) <= COMPARED
        if compared:
            self._run("create or replace temporary table old_rows as from {table}", table=table)
        rows = facts.compute(self._connection, table, self._as_of)
        changed = self.compared(table, changed_name(table)) if compared else None
        return Stored(table, rows, changed, reason)

    def _units(self, one: Fact | Dimension, unit: Unit, before: datetime | None) -> list[exp.Query]:
        """Queries of the units that the changed rows of its sources lead to."""
        queries: list[exp.Query] = []
        for table in one.inputs:
            source = table.removeprefix("raw.")
            if self._source(source, before):
                queries += units.touched(unit, source)
        return queries

    def _source(self, source: str, before: datetime | None) -> int:
        """Fill the temporary table of a source's changed rows: those written, and those whose time has come since.

        ``before`` None means that time does not matter. Returns how many they are.
        """
        found = self._sources.get((source, before))
        if found is not None:
            return found
        due = before is not None and self.due(f"raw.{source}", before)
        if not due and not self.written(source):
            self._sources[source, before] = 0
            return 0
        name = units.CHANGED.format(source)
        self._run(
            "create or replace temporary table {name} as select * exclude ({is_new}) from {written}",
            name=name,
            written=f"{changes.SCHEMA}.{source}",
        )
        if due:
            self._run("insert into {name} from {due}", name=name, due=due_name(f"raw.{source}"))
        self._sources = {key: count for key, count in self._sources.items() if key[0] != source}
        self._sources[source, before] = self.count(f"temp.main.{name}")
        return self._sources[source, before]

    def _find_due(self, table: str, before: datetime, times: frozenset[str] | None) -> int:
        if before == self._as_of:
            return 0
        held = self._connection.table(table)
        every = [name for name, kind in zip(held.columns, held.types, strict=True) if str(kind) == _TIME]
        wanted = [name for name in every if times is None or name in times]
        if not wanted:
            return 0
        rows = exp.select("*").from_(trees.relation(*reversed(table.split(".")))).where(exp.or_(*map(_between, wanted)))
        self._connection.execute(
            f"create or replace temporary table {due_name(table)} as {rows.sql('duckdb')}",
            {"first": min(before, self._as_of), "last": max(before, self._as_of)},
        )
        return self.count(f"temp.main.{due_name(table)}")

    def _replace(self, table: str, one: Fact | Dimension, unit: Unit) -> int:
        """Put the rows of the touched units anew; return how many differ, as they were and as they are."""
        if unit.inputs:
            rows = statements.query(units.rows(unit).sql("duckdb"))
            self._run("create or replace temporary table {needed} as {rows}", needed=units.ROWS, rows=rows)
        query = units.restricted(one, unit).sql("duckdb")
        bound = facts.bound(self._connection, query, self._as_of)
        self._connection.execute(f"create or replace temporary table new_rows as {query}", bound)
        names = {"table": table, "by": unit.result}
        self._run(
            "create or replace temporary table old_rows as"
            " select * from {table} where {by} in (select {unit} from {touched})",
            **names,
        )
        changed = self.differing("new_rows", "old_rows", changed_name(table))
        if changed:
            # Only units that differ are written: a file grows with every row that goes and comes.
            names["changed"] = changed_name(table)
            self._run("delete from {table} where {by} in (select {by} from {changed})", **names)
            self._run(
                "insert into {table} by name select * from new_rows where {by} in (select {by} from {changed})", **names
            )
        return changed

    def _nothing(self, table: str) -> int:
        self._run(
            "create or replace temporary table {into} as select *, true as {is_new} from {table} limit 0",
            into=changed_name(table),
            table=table,
        )
        return 0

    def _run(self, statement: LiteralString, **names: statements.Name) -> None:
        ours = {"touched": units.TOUCHED, "unit": units.UNIT, "is_new": changes.IS_NEW}
        statements.run(self._connection, statement, **{**ours, **names})


def changed_name(table: str) -> str:
    """The temporary table of a fact's or dimension's changed rows."""
    return f"changed_{table.replace('.', '_')}"


def due_name(table: str) -> str:
    """The temporary table of the rows whose time has come since the refresh before."""
    return f"due_{table.replace('.', '_')}"


def _between(name: str) -> exp.Expr:
    first, last = (exp.cast(exp.Placeholder(this=one), "timestamptz") for one in ("first", "last"))
    return exp.and_(trees.column(name) >= first, trees.column(name) < last)
