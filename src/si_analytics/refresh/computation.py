"""What a refresh computes from the rows it extracted: facts, metrics and checks, by what changed where that is known.

Belongs here: which refresh the working file was of, and what becomes of each table.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from types import MappingProxyType
from uuid import UUID

import duckdb

from si_analytics.compute import check_upkeep, checks, metrics
from si_analytics.compute.check_upkeep import CheckUpkeep
from si_analytics.compute.checks import CheckResult
from si_analytics.compute.metric_upkeep import MetricUpkeep
from si_analytics.compute.upkeep import Stored, Upkeep
from si_analytics.periods import windows

_BEFORE = "select as_of from meta.refreshes where refresh_id = $1"


class Computation:
    """Brings the results in a working file up to its raw tables.

    ``of`` is the refresh whose results the file holds; None if it holds none that its raw tables have gone on from.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection, parameters: metrics.Parameters, of: UUID | None) -> None:
        self._connection, self._parameters = connection, parameters
        last = check_upkeep.recorded(connection, of) if of else {}
        self._facts = Upkeep(connection, parameters.window.as_of, _moment(connection, of) if of else None)
        self._metrics = MetricUpkeep(connection, self._facts, parameters)
        self._checks = CheckUpkeep(connection, self._facts, parameters, last, self._metrics.changes)
        self._stored: dict[str, Stored] = {}

    @property
    def stored(self) -> Mapping[str, Stored]:
        """What became of each fact, dimension and metric so far, by its name with its schema."""
        return MappingProxyType(self._stored)

    def lay_out(self, table: str) -> Stored:
        """Store a fact or dimension as it is now."""
        self._stored[table] = self._facts.bring_up(table)
        return self._stored[table]

    def compute(self, name: str) -> Stored:
        """Store a metric as it is now, after the facts it stands on."""
        self._stored[f"metrics.{name}"] = self._metrics.bring_up(name)
        return self._stored[f"metrics.{name}"]

    def standing(self, name: str) -> CheckResult | None:
        """What a check found in the refresh before, if it would find the same now."""
        return self._checks.standing(name)

    def told(self, result: CheckResult) -> CheckResult:
        """The result of a check, with what it depended on."""
        return replace(result, state=check_upkeep.state(checks.of(result.name), self._connection, self._parameters))


def _moment(connection: duckdb.DuckDBPyConnection, of: UUID) -> datetime | None:
    row = connection.execute(_BEFORE, [of]).fetchone()
    return windows.instant(row[0]) if row else None
