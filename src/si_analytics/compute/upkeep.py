"""Brings what is stored up to new source rows by what changed, or computes it whole, and says why.

Belongs here: facts and dimensions. The rows of the changed units go, and those of the same query restricted to these
units take their place; docs/refreshing.md proves that this is what the whole query gives. Metrics follow in `metrics`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import duckdb
from sqlglot import expressions as exp

from si_analytics.compute import facts
from si_analytics.definitions import Dimension, Fact, project, trees, units
from si_analytics.definitions.units import Unit
from si_analytics.extract import changes

MOST_CHANGED = 0.2
"""Above about this share of touched units, computing the whole is quicker."""

_TIME = "timestamp with time zone"


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

    What changed in each is left in a temporary table, `changed`, for whatever is computed from it.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection, as_of: datetime) -> None:
        self._connection, self._as_of = connection, as_of
        self._sources: dict[tuple[str, datetime | None], str] = {}
        self._known: set[str] = set()

    def bring_up(self, table: str) -> Stored:
        """Store a fact or dimension as it is now, by its changes where they can be told."""
        one, held = facts.of(table), facts.left_behind(self._connection, table)
        unit = units.of(one)
        why = self._untold(one, unit, held)
        if why or unit is None or held is None:
            return self._whole(table, why)
        touched = self._touch(one, unit, held.as_of)
        standing = facts.count(self._connection, table)
        if touched > MOST_CHANGED * max(standing, 1) and touched > _FEW:
            return self._whole(table, "most of its rows changed")
        changed = self._replace(table, one, unit) if touched else self._nothing(table)
        facts.mark(self._connection, table, self._as_of)
        self._known.add(table)
        return Stored(table, facts.count(self._connection, table), changed, "")

    def changed(self, table: str) -> str | None:
        """The temporary table of a fact's or dimension's changed rows, as they were and are; None if not known."""
        return _changed_name(table) if table in self._known else None

    def _untold(self, one: Fact | Dimension, unit: Unit | None, held: facts.Held | None) -> str:
        """Why the changed rows of a table cannot be told; empty if they can."""
        if held is None:
            return "it was not stored before"
        if not held.is_of_today:
            return "its query is another than it was"
        if unit is None:
            return "it does not say which rows are worked out together"
        if held.as_of not in {None, self._as_of} and units.depends_on_time(one.text):
            return "it does more with as_of than compare times with it"
        sources = [table.removeprefix("raw.") for table in one.inputs]
        whole = [source for source in sources if not changes.known(self._connection, source)]
        if whole:
            return f"{', '.join(whole)} was read whole"
        unmatched = [source for source in sources if source != unit.base and source not in unit.inputs]
        moved = [source for source in unmatched if self._rows(self._source(source, held.as_of))]
        return f"{', '.join(moved)} changed, which stands_on leaves out" if moved else ""

    def _whole(self, table: str, reason: str) -> Stored:
        return Stored(table, facts.compute(self._connection, table, self._as_of), None, reason)

    def _touch(self, one: Fact | Dimension, unit: Unit, before: datetime | None) -> int:
        """Fill `units.TOUCHED` with the units that changed rows lead to; return how many they are."""
        queries = []
        for table in one.inputs:
            source = table.removeprefix("raw.")
            if self._rows(self._source(source, before)):
                queries += [query.sql("duckdb") for query in units.touched(unit, source)]
        self._connection.execute(f"drop table if exists temp.{units.TOUCHED}")
        if not queries:
            return 0
        every = " union ".join(queries)
        self._connection.execute(
            f"create temporary table {units.TOUCHED} as select {units.UNIT} from ({every}) as found ({units.UNIT})"
            f" where {units.UNIT} is not null"
        )
        return self._rows(units.TOUCHED)

    def _source(self, source: str, before: datetime | None) -> str:
        """The temporary table of a source's changed rows: those that were written, and those whose time has come.

        A time has come where it lies between the two moments. ``before`` None means that time does not matter.
        """
        found = self._sources.get((source, before))
        if found is not None:
            return found
        name = units.CHANGED.format(source)
        written, raw = trees.relation(source, changes.SCHEMA), trees.relation(source, "raw")
        query = exp.select(exp.Star(**{"except_": [trees.identifier(changes.IS_NEW)]})).from_(written)
        times = [column.name for column in project().source_columns(source) if column.type == _TIME]
        values = {}
        if before is not None and before != self._as_of and times:
            values = {"first": min(before, self._as_of), "last": max(before, self._as_of)}
            due = exp.or_(*map(_between, times))
            query = exp.union(query, exp.select("*").from_(raw).where(due), distinct=False)
        text = f"create or replace temporary table {name} as {query.sql('duckdb')}"
        self._connection.execute(text, values)
        self._sources = {key: one for key, one in self._sources.items() if key[0] != source}
        self._sources[source, before] = name
        return name

    def _replace(self, table: str, one: Fact | Dimension, unit: Unit) -> int:
        """Put the rows of the touched units anew; return how many rows differ, each counted once as it was and is."""
        run, by = self._connection.execute, trees.identifier(unit.result).sql("duckdb")
        if unit.inputs:
            run(f"create or replace temporary table {units.ROWS} as {units.rows(unit).sql('duckdb')}")
        query = units.restricted(one, unit).sql("duckdb")
        run(f"create or replace temporary table new_rows as {query}", facts.bound(self._connection, query, self._as_of))
        old = f"{by} in (select {units.UNIT} from temp.{units.TOUCHED})"
        run(f"create or replace temporary table old_rows as select * from {table} where {old}")
        run(
            f"create or replace temporary table {_changed_name(table)} as"
            f" select *, true as {changes.IS_NEW} from (from temp.new_rows except all from temp.old_rows)"
            f" union all select *, false as {changes.IS_NEW} from (from temp.old_rows except all from temp.new_rows)"
        )
        changed = self._rows(_changed_name(table))
        if changed:
            # Only rows that differ are written: a file grows with every row that goes and comes.
            gone = f"{by} in (select {by} from temp.{_changed_name(table)})"
            run(f"delete from {table} where {gone}")
            run(f"insert into {table} by name select * from temp.new_rows where {gone}")
        return changed

    def _nothing(self, table: str) -> int:
        self._connection.execute(
            f"create or replace temporary table {_changed_name(table)} as"
            f" select *, true as {changes.IS_NEW} from {table} limit 0"
        )
        return 0

    def _rows(self, table: str) -> int:
        row = self._connection.table(f"temp.main.{table}").aggregate("count(*)").fetchone()
        return int(row[0]) if row else 0


_FEW = 1000


def _changed_name(table: str) -> str:
    return f"changed_{table.replace('.', '_')}"


def _between(name: str) -> exp.Expr:
    first, last = (exp.cast(exp.Placeholder(this=one), "timestamptz") for one in ("first", "last"))
    return exp.and_(trees.column(name) >= first, trees.column(name) < last)
