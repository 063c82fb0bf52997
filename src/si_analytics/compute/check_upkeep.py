"""Keeps what a check found last time where nothing it looks at can change that, and tells where it has to run.

Belongs here: what a check's result depends on. A check that judges rows one by one is run over the changed rows alone:
where it finds none of them, neither as they were nor as they are, its result is what it was.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from uuid import UUID

import duckdb
import sqlglot
from sqlglot import expressions as exp

from si_analytics.compute import checks, derived_checks, metrics, row_checks
from si_analytics.compute.checks import CheckResult
from si_analytics.compute.upkeep import Upkeep, changed_name, due_name
from si_analytics.definitions import Check, project, trees
from si_analytics.periods.windows import Window
from si_analytics.warehouse import changes, statements


@dataclass(frozen=True)
class Last:
    """What a check found in an earlier refresh, and the digest of its query and parameters then."""

    result: CheckResult
    state: str


def recorded(connection: duckdb.DuckDBPyConnection, refresh_id: UUID) -> dict[str, Last]:
    """What the checks of a refresh found, by name."""
    rows = connection.execute(
        "select check_name, severity, summary, rows, sample, state from meta.checks where refresh_id = $1", [refresh_id]
    ).fetchall()
    return {
        name: Last(CheckResult(name, severity, summary, count, tuple(json.loads(sample)), 0.0, state), state)
        for name, severity, summary, count, sample, state in rows
        if state
    }


class CheckUpkeep:
    """Tells of each check whether what it found last time stands, after `upkeep` brought up what the check reads.

    ``metric_changes`` gives the number of changed rows of a metric, None if that is not known.
    """

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        upkeep: Upkeep,
        parameters: metrics.Parameters,
        last: dict[str, Last],
        metric_changes: Callable[[str], int | None],
    ) -> None:
        self._connection, self._upkeep, self._parameters = connection, upkeep, parameters
        self._last, self._metric_changes = last, metric_changes

    def standing(self, name: str) -> CheckResult | None:
        """What the check found last time, if it would find the same now; None if it has to be run."""
        last, check = self._last.get(name), checks.of(name)
        if last is None or last.state != state(check, self._connection, self._parameters):
            return None
        changed = {table: self._changes(table) for table in check.inputs}
        touched = [table for table, rows in changed.items() if rows != 0 or self._due(check, table)]
        if not touched:
            return last.result
        if None in changed.values() or not self._moves_on():
            return None
        return last.result if self._finds_none(check, touched, last.result) else None

    def _finds_none(self, check: Check, touched: list[str], before: CheckResult) -> bool:
        """Whether it certainly finds none of the rows that changed."""
        if derived_checks.is_of_keys(check):
            return before.passed and not self._key_twice(check, touched)
        judged = row_checks.judged(project(), check)
        if not judged or not all(one.table.startswith("raw.") for one in judged):
            return False
        return not any(self._finds(check, touched, parameters) for parameters in self._moments())

    def _changes(self, table: str) -> int | None:
        schema, _, name = table.partition(".")
        return self._metric_changes(name) if schema == "metrics" else self._upkeep.changes(table)

    def _moves_on(self) -> bool:
        """Whether the moment did not go back."""
        before = self._upkeep.before
        return before is not None and before <= self._parameters.window.as_of

    def _due(self, check: Check, table: str) -> bool:
        """Whether rows of an input have a time that the check compares with the moment, and that has come since."""
        if not any(f"${one}" in check.text for one in metrics.MOMENTS):
            return False
        before = self._upkeep.before
        return before is None or bool(self._upkeep.due(table, before))

    def _key_twice(self, check: Check, touched: list[str]) -> bool:
        """Whether the key of a changed row stands more than once."""
        keys = derived_checks.keys(project(), check)
        return any(self._stands_twice(table, keys[table]) for table in touched if table in keys)

    def _stands_twice(self, table: str, key: tuple[str, ...]) -> bool:
        source = table.removeprefix("raw.")
        held = f"{changes.SCHEMA}.{source}" if table.startswith("raw.") else changed_name(table)
        listed = statements.query(", ".join(trees.identifier(one).sql("duckdb") for one in key))
        found = statements.run(
            self._connection,
            "select 1 from {table} semi join (select {key} from {held} where {is_new}) as changed using ({key})"
            " group by {key} having count(*) > 1 limit 1",
            table=table,
            held=held,
            key=listed,
            is_new=changes.IS_NEW,
        )
        return found.fetchone() is not None

    def _moments(self) -> Iterator[metrics.Parameters]:
        """The parameters now, and those of the moment before."""
        before, now = self._upkeep.before, self._parameters
        yield now
        if before is not None and before != now.window.as_of:
            yield replace(now, window=Window(None, before, before))

    def _finds(self, check: Check, touched: list[str], parameters: metrics.Parameters) -> bool:
        tree = sqlglot.parse_one(check.text, dialect="duckdb")
        for table in list(tree.find_all(exp.Table)):
            if table.db == "raw":
                table.replace(self._changed_rows(check, table.name, touched).subquery(table.alias_or_name))
        text = str(tree.sql("duckdb"))
        bound = metrics.bindings(self._connection, text, parameters.bound())
        return self._connection.execute(text, bound).fetchone() is not None

    def _changed_rows(self, check: Check, source: str, touched: list[str]) -> exp.Query:
        """The rows of a source that changed, as they were and as they are, and those whose time has come."""
        named = [trees.column(name) for name in project().sources[source].columns]
        rows = exp.select(*named).from_(trees.relation(source, changes.SCHEMA))
        if f"raw.{source}" not in touched or not self._due(check, f"raw.{source}"):
            return rows
        due = exp.select(*(one.copy() for one in named)).from_(trees.relation(due_name(f"raw.{source}"), "temp"))
        return exp.union(rows, due, distinct=False)


def state(check: Check, connection: duckdb.DuckDBPyConnection, parameters: metrics.Parameters) -> str:
    """A digest of a check's query and of the parameters it depends on, whatever its inputs hold."""
    bound = metrics.bindings(connection, check, parameters.bound())
    return metrics.dependence(check.text, bound)
