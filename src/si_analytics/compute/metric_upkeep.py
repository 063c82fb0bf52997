"""Keeps metrics that nothing changed, works out anew the rows of the keys that changed, or the whole, and says why.

Belongs here: what a metric's result depends on, and which keys the changes of its inputs lead to. A metric is a
function of its inputs and parameters, so it stays where none of them differ; docs/computing.md has the proof.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import duckdb
from sqlglot import expressions as exp

from si_analytics.compute import facts, funnels, metrics, statistics
from si_analytics.compute.upkeep import COMPARED, Stored, Upkeep, changed_name, due_name
from si_analytics.definitions import Metric, keyed, lookup, project, trees, units
from si_analytics.definitions.keyed import Keyed
from si_analytics.warehouse import local_offsets, statements

_WITHOUT_ROWS = (local_offsets.TABLE, "meta.performance_weights")  # what they hold follows from the parameters


class MetricUpkeep:
    """Brings up the metrics of one working file, after the facts and dimensions that `upkeep` brought up."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, upkeep: Upkeep, parameters: metrics.Parameters) -> None:
        self._connection, self._upkeep, self._parameters = connection, upkeep, parameters
        self._left = metrics.left_behind(connection)
        self._changed: dict[str, int | None] = {}

    def bring_up(self, name: str) -> Stored:
        """Store a metric as it is now."""
        found = self._brought_up(name)
        self._changed[name] = found.changed
        metrics.mark(self._connection, name, self._state(name), self._as_of)
        return found

    def changes(self, name: str) -> int | None:
        """How many rows of a metric changed, as they were and as they are; None if that is not known."""
        return self._changed.get(name)

    def _brought_up(self, name: str) -> Stored:
        metric, held = lookup(project().metrics, name, "metric"), self._left.get(name)
        why = self._otherwise(metric, held)
        if why:
            return self._whole(metric, why)
        assert held is not None
        moved = list(self._moved(metric, held.as_of))
        if not moved:
            return Stored(f"metrics.{name}", metrics.count(self._connection, name), 0, "")
        if metric.funnels:
            return self._funnels(metric, held.as_of)
        by = project().keyed.get(name)
        if by is None:
            return self._whole(metric, f"{', '.join(moved)} moved, and its rows are not told apart by key")
        unknown = [table for table in moved if not self._is_told(metric, table, by, held.as_of)]
        if unknown:
            return self._whole(metric, f"{', '.join(unknown)} changed, and which keys that touches is not known")
        return self._of_touched(metric, by, held.as_of, moved)

    def _otherwise(self, metric: Metric, held: metrics.Held | None) -> str:
        """Why what is stored is of no use, whatever changed; empty if it is."""
        if held is None:
            return "it was not stored before"
        if held.definition != metrics.definition(metric.name):
            return "its query is another than it was"
        if held.state != self._state(metric.name):
            return "it is counted otherwise, or depends on the moment"
        return ""

    def _state(self, name: str) -> str:
        """A digest of the parameters that the metric's result depends on, whatever its inputs hold.

        A moment that is only compared with times does not belong to them: see `_moved`.
        """
        metric = project().metrics[name]
        bound = metrics.bindings(self._connection, metric, self._parameters.bound())
        if "meta.performance_weights" in metric.inputs:
            bound["weights"] = {one: str(weight) for one, weight in sorted(self._parameters.weights.items())}
        return metrics.dependence(metric.text, bound)

    def _moved(self, metric: Metric, before: datetime) -> Iterator[str]:
        """The inputs of a metric that changed, or may have, and those with a time that the moment has passed since."""
        for table in metric.inputs:
            if table not in _WITHOUT_ROWS and (self._changes(table) != 0 or self._passed(metric, table, before)):
                yield table

    def _changes(self, table: str) -> int | None:
        """How many rows of an input changed; None if that is not known."""
        schema, _, name = table.partition(".")
        return self._changed.get(name) if schema == "metrics" else self._upkeep.changes(table)

    def _passed(self, metric: Metric, table: str, before: datetime) -> int:
        """How many rows of an input have a time that the metric compares with the moment, and that has come since."""
        times = frozenset[str]().union(*(units.compared(metric.text, one) or () for one in metrics.MOMENTS))
        if not times:
            return 0
        # A time by another name than a column of its inputs has may be any of theirs.
        named = times <= {name for one in metric.inputs for name in self._upkeep.columns(one)}
        return self._upkeep.due(table, before, times if named else None)

    def _is_told(self, metric: Metric, table: str, by: Keyed, before: datetime) -> bool:
        """Whether it can be told to which keys an input that moved leads, or it is not needed for any one key."""
        if table in by.links:
            return self._changes(table) is not None
        if table in by.joined or (by.home and table == by.home[0]):
            return self._changes(table) is not None and not self._passed(metric, table, before)
        return bool(by.rest)

    def _of_touched(self, metric: Metric, by: Keyed, before: datetime, moved: list[str]) -> Stored:
        """Work out the rows of the touched keys anew."""
        table = f"measured.{metric.name}" if by.rest else f"metrics.{metric.name}"
        if not self._upkeep.is_stored(table):
            return self._whole(metric, "what it measures was not stored before")
        touched = self._upkeep.touch(list(self._keys(metric, by, before)))
        if self._upkeep.is_much(touched, table):
            return self._whole(metric, "most of its rows changed")
        changed = self._replace(metric, by, table) if touched else 0
        if by.rest:
            others = [one for one in moved if one.startswith(("raw.", "metrics."))]
            return self._rest(metric, by, stands=not changed and not others)
        return Stored(table, metrics.count(self._connection, metric.name), changed, "")

    def _keys(self, metric: Metric, by: Keyed, before: datetime) -> Iterator[exp.Query]:
        """Queries of the keys that the changes of the inputs lead to."""
        for table, column in (*by.links.items(), *([by.home] if by.home else [])):
            yield _column(column, changed_name(table))
        for table, ways in by.joined.items():
            key = project().dimensions[table.partition(".")[2]].key
            for fact, column in ways:
                held = exp.In(this=trees.column(column), query=_column(key, changed_name(table)).subquery())
                yield _column(by.links[fact], *reversed(fact.split("."))).where(held)
        for table, column in by.links.items():
            if self._passed(metric, table, before):
                yield _column(column, due_name(table))

    def _funnels(self, metric: Metric, before: datetime) -> Stored:
        """Count the funnels anew whose units changed."""
        counted = [
            name
            for name in funnels.names()
            if self._changes(table := f"facts.{funnels.of(name).name}") != 0 or self._passed(metric, table, before)
        ]
        table = f"metrics.{metric.name}"
        text, tables = funnels.counted(counted, self._parameters.of_funnel)
        rows = funnels.run(self._connection, text, tables, self._parameters.bound())
        rows.query("counted", "create or replace temporary table new_rows as from counted")
        listed = [exp.Literal.string(name) for name in counted]
        found = exp.column("funnel").isin(*listed).sql("duckdb")
        return Stored(table, metrics.count(self._connection, metric.name), self._put(metric, table, found), "")

    def _replace(self, metric: Metric, by: Keyed, table: str) -> int:
        """Put the rows of the touched keys anew, in the metric's order; return how many differ."""
        text = keyed.restricted(by)
        bound = metrics.bindings(self._connection, text, self._parameters.bound())
        self._connection.execute(f"create or replace temporary table new_rows as {text}", bound)
        for statistic in metric.statistics if not by.rest else ():
            rows = statistics.complete(self._connection, statistic, self._connection.table("new_rows"))
            rows.query("completed", "create or replace temporary table complete as from completed")
            self._connection.execute("create or replace temporary table new_rows as from complete")
        held = exp.select(units.UNIT).from_(trees.relation(units.TOUCHED, "temp"))
        found = exp.In(this=trees.column(by.key), query=held.subquery()).sql("duckdb")
        return self._put(metric, table, found, ordered=not by.rest)

    def _put(self, metric: Metric, table: str, found: str, *, ordered: bool = True) -> int:
        """Put the temporary table of new rows in the place of those for which `found` holds; return how many differ."""
        names: dict[str, statements.Name] = {"table": table, "found": statements.query(found)}
        statements.run(
            self._connection,
            "create or replace temporary table old_rows as select * from {table} where {found}",
            **names,
        )
        changed = self._upkeep.differing("new_rows", "old_rows")
        if changed:
            order = f" order by {metric.order}" if ordered else ""
            statements.run(
                self._connection,
                "create or replace table {table} as select * from"
                " (select * from {table} where ({found}) is not true union all select * from new_rows){order}",
                order=statements.query(order),
                **names,
            )
        return changed

    def _rest(self, metric: Metric, by: Keyed, *, stands: bool) -> Stored:
        """What a metric does with what it measures, over all of it, unless nothing of that moved."""
        if stands:
            return Stored(f"metrics.{metric.name}", metrics.count(self._connection, metric.name), 0, "")
        return self._stored_whole(metric, by.rest, "")

    def _whole(self, metric: Metric, reason: str) -> Stored:
        """Compute a metric from all rows; keep what it measures where its rows can be brought up by key next time."""
        by = project().keyed.get(metric.name)
        if by is None or not by.rest:
            return self._stored_whole(metric, None, reason)
        text = facts.read(self._connection, by.text, (*by.links, by.home[0] if by.home else ""), self._as_of)
        self._connection.execute(
            f"create or replace table measured.{metric.name} as {text}",
            metrics.bindings(self._connection, text, self._parameters.bound()),
        )
        return self._stored_whole(metric, by.rest, reason)

    def _stored_whole(self, metric: Metric, text: str | None, reason: str) -> Stored:
        """Store a metric's rows, and compare them with those before where that is quick."""
        name = f"metrics.{metric.name}"
        compared = self._upkeep.is_stored(name) and self._upkeep.count(name) <= COMPARED
        if compared:
            self._connection.execute(f"create or replace temporary table old_rows as from {name}")
        rows = metrics.compute(self._connection, metric.name, self._parameters, text)
        return Stored(name, rows, self._upkeep.compared(name) if compared else None, reason)

    @property
    def _as_of(self) -> datetime:
        return self._parameters.window.as_of


def _column(name: str, table: str, schema: str = "temp") -> exp.Select:
    return exp.select(trees.column(name)).from_(trees.relation(table, schema))
