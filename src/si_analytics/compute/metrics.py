"""Metrics: one SQL file each, run with the parameters it names.

Belongs here: the order metrics are computed in, binding their parameters, the score's weights.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import duckdb

from si_analytics import warehouse
from si_analytics.calendars import STANDARD, Calendar
from si_analytics.compute import facts, funnels, statistics
from si_analytics.definitions import Query, lookup, project, proof, units
from si_analytics.errors import MissingTableError, UsageError
from si_analytics.periods import windows
from si_analytics.periods.windows import Window
from si_analytics.warehouse import local_offsets

if TYPE_CHECKING:
    from si_analytics.definitions.staged import Asked

DEFAULT_WEIGHTS: Mapping[str, Decimal] = MappingProxyType(
    {
        "total_earnings": Decimal("0.30"),
        "total_deals": Decimal("0.20"),
        "verified_referrals": Decimal("0.20"),
        "average_conversion_time": Decimal("0.10"),
        "response_time": Decimal("0.10"),
        "satisfaction_score": Decimal("0.10"),
    }
)
"""The weight of each component of an agent's performance score; the weights sum to 1."""

MOMENTS = ("as_of", "until")
"""The parameters that are the moment described: of a refresh, which describes all time, both are."""

_BEHIND = "behind "
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_HELD = (
    "select table_name, comment from duckdb_tables()"
    " where database_name = current_database() and schema_name = 'metrics'"
)
_MEASURED = (
    "select schema_name || '.' || table_name from duckdb_tables()"
    " where database_name = current_database() and schema_name = 'measured'"
)
_FINEST_WEIGHT = Decimal("0.000001")
_YEAR_2000 = date(2000, 1, 1)


@dataclass(frozen=True)
class Parameters:
    """The parameters of a metric; each file takes those it names.

    ``window`` carries since, until and as_of; ``currency`` the reporting currency, ``tz`` the reporting
    zone; ``within`` limits the time a funnel's unit may take; ``by`` breaks a funnel down, by several with commas,
    and ``where`` keeps the units with one of the values.
    """

    window: Window
    currency: str
    tz: str
    within: timedelta | None = None
    by: str | None = None
    where: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    funnels: tuple[str, ...] | None = None
    calendar: Calendar = STANDARD
    weights: Mapping[str, Decimal] = field(default_factory=lambda: DEFAULT_WEIGHTS)

    @classmethod
    def all_time(
        cls, as_of: datetime, currency: str, tz: str, weights: Mapping[str, Decimal] | None = None
    ) -> Parameters:
        """The parameters of a refresh: everything before `as_of`."""
        return cls(Window(None, as_of, as_of), currency, tz, weights=check_weights(weights or DEFAULT_WEIGHTS))

    def bound(self) -> dict[str, Any]:
        """Every parameter under its name in SQL files."""
        window, before = self.window, windows.before(self.window, self.tz)
        return {
            "as_of": window.as_of,
            "since": window.since,
            "until": window.until,
            "last_moment": window.as_of - timedelta(microseconds=1),
            "last_day": windows.day_described(window.as_of, self.tz),
            "previous_since": before and before.since,
            "previous_until": before and before.until,
            "currency": self.currency,
            "tz": self.tz,
            "slice": local_offsets.SLICE // timedelta(microseconds=1),
            "year_2000": windows.instant(_YEAR_2000, self.tz),
            "within_microseconds": None if self.within is None else self.within // timedelta(microseconds=1),
            **funnels.bound(self.where),
        }

    @property
    def of_funnel(self) -> Asked:
        """How a funnel is asked for."""
        within = self.within is not None
        return funnels.asked(self.by, self.where, within=within, tz=self.tz, calendar=self.calendar)

    @property
    def asks_otherwise(self) -> bool:
        """Whether funnels are asked for otherwise than the metric of them all has them."""
        return bool(self.within is not None or self.by or self.where or self.funnels is not None)


def check_weights(weights: Mapping[str, Decimal]) -> Mapping[str, Decimal]:
    """Returns `weights`; raises UsageError unless they name every component, are not negative and sum to 1."""
    asked = "the weights of the performance score"
    if set(weights) != set(DEFAULT_WEIGHTS):
        wrong = ", ".join(sorted(set(weights) ^ set(DEFAULT_WEIGHTS)))
        raise UsageError(asked, f"{wrong}: missing or unknown", f"Give one for each of {', '.join(DEFAULT_WEIGHTS)}")
    exact = {name: Decimal(str(weight)) for name, weight in weights.items()}
    bad = [name for name, weight in exact.items() if not weight.is_finite() or weight < 0]
    if bad:
        raise UsageError(asked, f"{', '.join(bad)} is negative or no number", "Give weights from 0 to 1")
    if sum(exact.values()) != 1:
        raise UsageError(asked, f"they sum to {sum(exact.values())}", "Make them sum to 1")
    if any(weight != weight.quantize(_FINEST_WEIGHT) for weight in exact.values()):
        raise UsageError(asked, "one has more than six decimal places", "Round it to six")
    return MappingProxyType(exact)


def names() -> tuple[str, ...]:
    """Every metric, after those it is computed from; raises DefinitionError for an unusable file."""
    ours = project()
    proof.require(ours)
    return proof.in_order(ours)


def inputs(name: str) -> tuple[str, ...]:
    """The tables a metric reads, with their schema: ``raw.deals``, ``metrics.agent_leaderboard``."""
    return tuple(table for table in lookup(project().metrics, name, "metric").inputs if "." in table)


def compute(connection: duckdb.DuckDBPyConnection, name: str, parameters: Parameters, text: str | None = None) -> int:
    """Fill ``metrics.<name>`` anew and return its number of rows; by `text`, if another query gives the same.

    Raises MissingTableError if the warehouse lacks a table the metric reads.
    """
    relation = evaluate(connection, name, parameters, text)
    connection.execute(f'drop table if exists metrics."{name}"')
    relation.create(f"metrics.{name}")
    mark(connection, name, "", parameters.window.as_of)
    return count(connection, name)


@dataclass(frozen=True)
class Held:
    """A stored metric that its inputs have gone on from: its query's digest, its parameters' digest, its moment."""

    definition: str
    state: str
    as_of: datetime


def mark(connection: duckdb.DuckDBPyConnection, name: str, state: str, as_of: datetime) -> None:
    """Note in a stored metric by which query it is, as of when, and, if known, a digest of its parameters."""
    # COMMENT binds no parameters; digests are hexadecimal, a moment is a number.
    moment = (as_of - _EPOCH) // timedelta(microseconds=1)
    connection.execute(f"comment on table metrics.\"{name}\" is '{definition(name)} {moment} {state}'")


def dependence(text: str, bound: Mapping[str, Any]) -> str:
    """A digest of a query and of the parameters its result depends on, whatever its inputs hold.

    A moment that the query only compares with times is left out: it matters to rows between two moments alone.
    """
    compared = {one for one in MOMENTS if units.compared(text, one) is not None}
    said = {one: value for one, value in bound.items() if one not in compared}
    return hashlib.sha256(json.dumps([text, said], default=str, sort_keys=True).encode()).hexdigest()[:16]


def leave_behind(connection: duckdb.DuckDBPyConnection) -> None:
    """Note in every stored metric that its inputs go on without it; drop those no file declares."""
    ours = frozenset(names())
    for name, comment in connection.sql(_HELD).fetchall():
        if name not in ours or not comment:
            connection.execute(f'drop table metrics."{name}"')
        elif not comment.startswith(_BEHIND):
            connection.execute(f"comment on table metrics.\"{name}\" is '{_BEHIND}{comment}'")
    kept = {f"measured.{name}" for name, one in project().keyed.items() if one.rest}
    for (table,) in connection.sql(_MEASURED).fetchall():
        if table not in kept:
            connection.execute(f"drop table {table}")


def left_behind(connection: duckdb.DuckDBPyConnection) -> dict[str, Held]:
    """The stored metrics that their inputs have gone on from, by name."""
    found = {}
    for name, comment in connection.sql(_HELD).fetchall():
        parts = (comment or "").split(" ")
        if parts[0] == _BEHIND.strip() and len(parts) == 4:
            found[name] = Held(parts[1], parts[3], _EPOCH + timedelta(microseconds=int(parts[2])))
    return found


def definition(name: str) -> str:
    """A digest of the query that computes metric `name`, without its comments and layout."""
    texts = [lookup(project().metrics, name, "metric").text]
    texts += [facts.of(table).text for table in inputs(name) if facts.is_one(table)]
    lines = [line.split() for text in texts for line in text.splitlines() if not line.lstrip().startswith("--")]
    return hashlib.sha256(" ".join(word for words in lines for word in words).encode()).hexdigest()


def evaluate(
    connection: duckdb.DuckDBPyConnection, name: str, parameters: Parameters, text: str | None = None
) -> duckdb.DuckDBPyRelation:
    """The rows of metric `name`, in its order, without storing them; by `text`, if another query gives the same.

    Raises DefinitionError if its file promises other columns than it returns, or names columns that do not exist.
    """
    metric = lookup(project().metrics, name, "metric")
    columns = [column.name for column in metric.columns]
    if metric.funnels and parameters.asks_otherwise:
        with _told_what_is_missing(connection, name):
            return _of_funnels(connection, parameters)
    if local_offsets.TABLE in metric.inputs:
        local_offsets.lay_out(connection, parameters.tz, parameters.window.as_of)
    if "meta.performance_weights" in metric.inputs:
        _store_weights(connection, parameters.weights)
    text = facts.read(connection, text or metric.text, metric.inputs, parameters.window.as_of)
    try:
        with _told_what_is_missing(connection, name):
            rows = connection.sql(text, params=bindings(connection, text, parameters.bound()))
    except duckdb.BinderException as error:
        raise proof.not_understood(metric, error) from error
    if rows.columns != columns:
        raise proof.other_columns(metric, rows.columns)
    for statistic in metric.statistics:
        rows = statistics.complete(connection, statistic, rows)
    return rows


def _of_funnels(connection: duckdb.DuckDBPyConnection, parameters: Parameters) -> duckdb.DuckDBPyRelation:
    """The rows of funnels that are broken down, filtered or limited; of two groupings each has a column of its own."""
    chosen = funnels.names() if parameters.funnels is None else parameters.funnels
    for name in chosen:
        funnels.check_breakdown(name, parameters.by)
        funnels.check_breakdown(name, tuple(parameters.where))
    text, tables = funnels.counted(chosen, parameters.of_funnel)
    _require_inputs(connection, f"funnel '{chosen[0]}'", tables)
    return funnels.run(connection, text, tables, parameters.bound())


def bindings(connection: duckdb.DuckDBPyConnection, query: Query | str, values: Mapping[str, Any]) -> dict[str, Any]:
    """Those of `values` that the query names."""
    text = query if isinstance(query, str) else query.text
    return {name: values[name] for name in sorted(connection.extract_statements(text)[0].named_parameters)}


def _store_weights(connection: duckdb.DuckDBPyConnection, weights: Mapping[str, Decimal]) -> None:
    connection.execute("delete from meta.performance_weights")
    warehouse.insert(connection, "meta.performance_weights", weights.items())


@contextmanager
def _told_what_is_missing(connection: duckdb.DuckDBPyConnection, name: str) -> Iterator[None]:
    """Asks which tables there are only where DuckDB misses one: asking costs as much as a small metric."""
    try:
        yield
    except duckdb.CatalogException:
        _require_inputs(connection, f"metric '{name}'", inputs(name))
        raise


def _require_inputs(connection: duckdb.DuckDBPyConnection, asked: str, tables: Iterable[str]) -> None:
    held = {
        f"{schema}.{table}"
        for schema, table in connection.sql("select table_schema, table_name from information_schema.tables").fetchall()
    }
    missing = [table for table in facts.sources(tables) if table not in held and not table.startswith("meta.")]
    if missing:
        raise MissingTableError(
            asked,
            f"it reads {', '.join(missing)}, which this warehouse does not hold",
            "Fill it first: si refresh",
        )


def count(connection: duckdb.DuckDBPyConnection, name: str) -> int:
    """The rows of a stored metric."""
    row = connection.table(f"metrics.{name}").aggregate("count(*)").fetchone()
    return int(row[0]) if row else 0


def one_line(text: str) -> str:
    """`text` on one line, for listings."""
    return re.sub(r"\s+", " ", text).strip()
