"""Compares two refreshes: which rows of which metric differ, in which cells, by how much, and why.

Belongs here: comparing the tables of two warehouse files, and the source rows behind one of their cells. Compares
in memory what differs; what is equal never leaves DuckDB.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set
from contextlib import contextmanager
from dataclasses import dataclass

import duckdb
import polars as pl

from si_analytics import warehouse
from si_analytics.compute import counting, funnels, metrics
from si_analytics.definitions import Explanation, project
from si_analytics.errors import UnknownNameError, UsageError
from si_analytics.periods.windows import Window
from si_analytics.query import connection as query_connection
from si_analytics.query import explain, frame_differences, queries
from si_analytics.settings import Settings
from si_analytics.warehouse import versions
from si_analytics.warehouse.versions import Kept

_NESTED = {"array", "list", "map", "struct", "union", "variant"}
_SUMMARY = {
    "metric": pl.String,
    "rows_a": pl.Int64,
    "rows_b": pl.Int64,
    "added": pl.Int64,
    "removed": pl.Int64,
    "changed": pl.Int64,
    "columns": pl.String,
    "money": pl.String,
    "note": pl.String,
}


def between(
    settings: Settings, pair: tuple[Kept, Kept], metric: str | None, key: explain.Key | None, column: str | None
) -> pl.DataFrame:
    """What differs between the two: the metrics; for one metric its cells; for one cell the source rows."""
    if metric is None and key is None and column is None:
        return summary(settings, *pair)
    if metric is None or (key is None) != (column is None):
        raise UsageError(
            "why a cell differs", "it takes a metric, a key and a column", "Give all three, or the metric alone"
        )
    if key is None or column is None:
        return changes(settings, *pair, metric)
    return sources(settings, *pair, Cell(metric, key, column))


def refreshes(settings: Settings) -> pl.DataFrame:
    """One row per kept refresh, in the order they ran."""
    moment = pl.Datetime("us", "UTC")
    schema: dict[str, pl.DataType] = {"number": pl.Int64(), "as_of": moment, "taken_at": moment}
    schema |= {"currency": pl.String(), "timezone": pl.String()}
    rows = [[getattr(one, name) for name in schema] for one in versions.available(settings)]
    return pl.DataFrame(rows, schema=schema, orient="row")


def moved(settings: Settings, a: Kept, b: Kept) -> tuple[str, ...]:
    """Why numbers differ although no source row does: how B was counted differently from A, in sentences."""
    with _both(settings, a, b) as (connection, other):
        before, after = (counting.attached(connection, side) for side in ("a", other))
    return counting.changes(before, after) if after else ()


@contextmanager
def _both(settings: Settings, a: Kept, b: Kept) -> Iterator[tuple[duckdb.DuckDBPyConnection, str]]:
    """Yields an in-memory database with the first refresh attached as ``a``, and the second's name: ``b`` or ``a``."""
    with duckdb.connect(config=warehouse.configuration(settings)) as connection:
        connection.execute("set global TimeZone = 'UTC'")
        warehouse.attach(connection, a.path, "a")
        if a.refresh_id == b.refresh_id:
            yield connection, "a"
        else:
            warehouse.attach(connection, b.path, "b")
            yield connection, "b"


def summary(settings: Settings, a: Kept, b: Kept) -> pl.DataFrame:
    """One row per metric that differs: its rows in each, those added, removed and changed, the columns that changed.

    ``money`` is the sum of each column of money in B minus that in A; ``note`` says why numbers may differ although
    no source row does, and which metric only one of them has.
    """
    with _both(settings, a, b) as (connection, other):
        before, after = _held(connection, "a"), _held(connection, other)
        rows = [_one_sided(connection, "a", name, a) for name in sorted(before.keys() - after.keys())]
        rows += [_one_sided(connection, other, name, b) for name in sorted(after.keys() - before.keys())]
        for name in sorted(before.keys() & after.keys()):
            note = _note(connection, other, name, (a, b), before[name] != after[name])
            rows += _summed(connection, other, name, (a, b), note)
    return pl.DataFrame(rows, schema=_SUMMARY, orient="row").sort("metric")


def changes(settings: Settings, a: Kept, b: Kept, metric: str) -> pl.DataFrame:
    """One row per cell of `metric` that differs: change, the key of the row, column, value_a, value_b, difference.

    An added or removed row has one for each of its cells. Values are text, differences exact decimals.
    Given a funnel's name: the cells of its own rows.
    """
    if metric in funnels.names():
        return changes(settings, a, b, explain.FUNNELS).filter(pl.col("funnel") == metric)
    with _both(settings, a, b) as (connection, other):
        for one, side in ((a, "a"), (b, other)):
            tables = _held(connection, side)
            if metric not in tables:
                raise UnknownNameError(
                    f"comparing metric '{metric}'",
                    f"refresh {one.number} has none of that name",
                    f"{queries.nearest(metric, tables)}It has: {', '.join(sorted(tables)) or 'none'}",
                )
        return _difference(connection, other, metric, (a, b)).cells()


@dataclass(frozen=True)
class Cell:
    """One number: a metric, the key of one of its rows as `explain` takes it, and a column."""

    metric: str
    key: explain.Key
    column: str


def sources(settings: Settings, a: Kept, b: Kept, cell: Cell) -> pl.DataFrame:
    """The source rows behind one cell that differ: one row for each that is ``added`` in B or ``removed``.

    A row whose contents changed appears twice, as ``changed from`` and ``changed to``.
    """
    file = explain.file(cell.metric, cell.column)
    frames = [_explained(settings, one, cell) for one in (a, b)]
    found = [frame for frame in frames if isinstance(frame, pl.DataFrame)]
    if not found:
        raise next(error for error in frames if isinstance(error, UnknownNameError))
    before, after = (found[0].clear() if isinstance(frame, UnknownNameError) else frame for frame in frames)
    keys = (_identity(file, before.columns),)
    return frame_differences.pair(before, after, keys, [name for name in after.columns if name not in keys]).rows()


def _explained(settings: Settings, one: Kept, cell: Cell) -> pl.DataFrame | UnknownNameError:
    """The rows behind the cell in that refresh, or the error if it has no such row."""
    there = settings.model_copy(update={"warehouse": one.path})
    asked = metrics.Parameters(Window(None, one.as_of, one.as_of), one.currency, one.timezone)
    with query_connection.connect(there) as connection:
        try:
            return _flat(explain.rows(connection, cell.metric, cell.key, cell.column, asked)).pl()
        except UnknownNameError as error:
            return error


def _identity(explaining: Explanation | None, columns: Sequence[str]) -> str:
    """The column that identifies a source row: the first id of its order, or else of its columns."""
    if explaining is None and "source_id" in columns:
        return "source_id"
    ordered = explaining.ordered_by if explaining else ()
    ids = [name for name in (*ordered, *columns) if name == "id" or name.endswith("_id")]
    return ids[0] if ids else columns[0]


def _held(connection: duckdb.DuckDBPyConnection, side: str) -> dict[str, str | None]:
    """The metrics of one side, each with the digest of its definition, or None if it has none."""
    found = connection.sql(
        "select table_name, comment from duckdb_tables() where database_name = $side and schema_name = 'metrics'",
        params={"side": side},
    )
    return {name: comment and comment.partition(" ")[0] for name, comment in found.fetchall()}


def _table(connection: duckdb.DuckDBPyConnection, side: str, metric: str) -> duckdb.DuckDBPyRelation:
    return connection.table(f'{side}.metrics."{metric}"')  # `metric` is one of those held


def _one_sided(connection: duckdb.DuckDBPyConnection, side: str, name: str, one: Kept) -> tuple[object, ...]:
    counted = _count(_table(connection, side, name))
    rows = (counted, None, 0, counted, 0) if side == "a" else (None, counted, counted, 0, 0)
    return (name, *rows, None, None, f"only refresh {one.number} has it")


def _summed(
    connection: duckdb.DuckDBPyConnection, other: str, name: str, refreshes: tuple[Kept, Kept], note: str
) -> list[tuple[object, ...]]:
    """The metric's row in the summary; empty if nothing differs."""
    difference = _difference(connection, other, name, refreshes)
    if difference.paired.is_empty():
        return []
    counts = [_count(_table(connection, side, name)) for side in ("a", other)]
    changed = [difference.count(change) for change in ("added", "removed", "changed")]
    metric = project().metrics.get(name)
    named = metric.money if metric else ()
    totals = {column: difference.total(column) for column in named if column in difference.values}
    money = [f"{column} {total:+f}" for column, total in totals.items() if total]
    return [(name, *counts, *changed, ", ".join(difference.differing()), ", ".join(money), note)]


def _note(
    connection: duckdb.DuckDBPyConnection, other: str, name: str, refreshes: tuple[Kept, Kept], redefined: bool
) -> str:
    """What else differs between the refreshes and makes the metric differ."""
    a, b = refreshes
    said = ["its definition changed"] if redefined else []
    if a.currency != b.currency:
        said.append(f"counted in {a.currency}, then in {b.currency}")
    if a.timezone != b.timezone:
        said.append(f"days of {a.timezone}, then of {b.timezone}")
    columns = [set(_table(connection, side, name).columns) for side in ("a", other)]
    if alone := sorted(columns[0] ^ columns[1]):
        said.append(f"not compared, being in one alone: {', '.join(alone)}")
    metric = project().metrics.get(name)
    if metric and "meta.performance_weights" in metric.inputs:
        weights = [connection.table(f"{side}.meta.performance_weights") for side in ("a", other)]
        if _count(weights[0].except_(weights[1])):
            said.append("weighted otherwise")
    return "; ".join(said)


def _difference(
    connection: duckdb.DuckDBPyConnection, other: str, metric: str, refreshes: tuple[Kept, Kept]
) -> frame_differences.RowDifference:
    """The rows of either side that have no equal in the other, paired."""
    sides = [_table(connection, side, metric) for side in ("a", other)]
    shared = [name for name in sides[1].columns if name in sides[0].columns]
    restating = [name for name in shared if all(map(_restates, sides, (name, name), refreshes))]
    compared = [name for name in shared if name not in restating]
    kinds = [dict(zip(side.columns, map(str, side.types), strict=True)) for side in sides]
    other_kind = {name for name in compared if kinds[0][name] != kinds[1][name]}
    before, after = (_flat(side.select(*compared), other_kind) for side in sides)
    keys = _keys(metric, compared)
    values = [name for name in compared if name not in keys]
    return frame_differences.pair(before.except_(after).pl(), after.except_(before).pl(), keys, values)


def _restates(side: duckdb.DuckDBPyRelation, name: str, refresh: Kept) -> bool:
    """Whether a column holds only the moment of the refresh."""
    if str(side.types[side.columns.index(name)]) != "TIMESTAMP WITH TIME ZONE":
        return False
    column = duckdb.ColumnExpression(name)
    others = side.filter(column.isnull() | (column != duckdb.ConstantExpression(refresh.as_of)))
    return others.limit(1).fetchone() is None


def _keys(metric: str, columns: Sequence[str]) -> tuple[str, ...]:
    """The columns that identify a row of the metric: its own key, or else its order, or else all of them."""
    named = explain.keys().get(metric, ())
    if not named and metric in project().metrics:
        named = project().metrics[metric].key
    return named if named and set(named) <= set(columns) else tuple(columns)


def _flat(relation: duckdb.DuckDBPyRelation, as_text: Set[str] = frozenset()) -> duckdb.DuckDBPyRelation:
    """The relation, with its lists and structs and the columns `as_text` cast to text."""
    columns = zip(relation.columns, relation.types, strict=True)
    return relation.select(
        *(
            duckdb.ColumnExpression(name).cast("varchar").alias(name)
            if name in as_text or kind.id in _NESTED
            else duckdb.ColumnExpression(name)
            for name, kind in columns
        )
    )


def _count(relation: duckdb.DuckDBPyRelation) -> int:
    row = relation.aggregate("count(*)").fetchone()
    return int(row[0]) if row else 0
