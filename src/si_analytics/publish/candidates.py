"""The rows of a target that may differ from the metric, when all others are known to be equal.

Belongs here: finding their keys. They are the keys whose row of the metric changed since the last publish, and those
of rows of the target that somebody wrote since, we among them. What others deleted shows in the keys of all the rest.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import duckdb
import polars as pl
import psycopg
from psycopg import sql as pg_sql
from sqlglot import expressions as exp

from si_analytics.definitions import trees
from si_analytics.definitions.targets import Target
from si_analytics.postgres import row_marks
from si_analytics.publish import baseline
from si_analytics.publish.baseline import Baseline, Moment
from si_analytics.warehouse import checksum

FEW_ROWS = "few rows"
MOST_CHANGED = "most of its rows changed"

EACH_TIME = frozenset({FEW_ROWS, baseline.OTHER_KEY})
"""Why some targets are compared as a whole each time: of these it takes no longer, or cannot be helped."""

_FEWEST = 20_000  # below, comparing all of a target takes no longer than finding out what changed
_MOST_CHANGED = 0.3  # above about this share, comparing all is quicker
_OLD, _NEW = "old", "new"


@dataclass(frozen=True)
class _Found:
    """Of a target, the keys of rows written since (None if too many); count and checksum of the rows untouched."""

    written: list[str] | None
    untouched: tuple[int, int]


def find(
    warehouse: duckdb.DuckDBPyConnection,
    connection: psycopg.Connection[Any],
    target: Target,
    since: Baseline,
    now: Moment,
) -> pl.Series | str:
    """Returns the keys of the rows to compare, as text; or why all rows must be compared.

    The published warehouse, attached as ``published``, must be that of `since`.
    """
    (rows,) = warehouse.table(target.source).aggregate("count(*)").fetchone() or (0,)
    if told := _told(warehouse, target, since, rows):
        return told
    moved = _moved(warehouse, target)
    if moved.len() > _MOST_CHANGED * rows:
        return MOST_CHANGED
    found = _look(connection, target, moved, since.moment, now)
    if found.written is None:
        return MOST_CHANGED
    keys = pl.concat([moved, pl.Series(moved.name, found.written, pl.String)]).unique().sort()
    if target.adds_rows and found.untouched != _expected(warehouse, target, keys):
        return "others deleted rows"
    return keys


def _told(warehouse: duckdb.DuckDBPyConnection, target: Target, since: Baseline, rows: int) -> str | None:
    """Returns why all of a metric's `rows` must be compared, where that is known before any is looked at."""
    if rows < _FEWEST:
        return FEW_ROWS
    if not _alike(warehouse, target):
        return "the metric has other columns than in the published warehouse"
    # What the last publish wrote is marked as written since: after a first one, that is all.
    if since.targets[target.name].changed > _MOST_CHANGED * rows:
        return MOST_CHANGED
    return None


def _published(target: Target) -> str:
    return f"published.{target.source}"


def _alike(warehouse: duckdb.DuckDBPyConnection, target: Target) -> bool:
    """Whether both warehouses hold the metric, its published columns with the same types."""
    held = warehouse.sql(
        "select 1 from duckdb_tables() where database_name = 'published' and schema_name = 'metrics'"
        " and table_name = $metric",
        params={"metric": target.metric},
    ).fetchall()
    if not held:
        return False
    before, after = (
        dict(zip(one.columns, map(str, one.types), strict=True))
        for one in map(warehouse.table, (_published(target), target.source))
    )
    return all(before.get(name) == after[name] for name in (*target.metric_key, *target.columns))


def _moved(warehouse: duckdb.DuckDBPyConnection, target: Target) -> pl.Series:
    """Returns the keys whose row of the metric is new, gone, or says something else than in the published one."""
    (key,) = target.metric_key
    old, new = (trees.column(key, side) for side in (_OLD, _NEW))
    differs: list[exp.Expr] = [side.is_(exp.null()) for side in (old, new)]
    differs += [
        exp.NullSafeNEQ(this=trees.column(name, _OLD), expression=trees.column(name, _NEW)) for name in target.columns
    ]
    text = exp.cast(exp.func("coalesce", new, old), "varchar")
    query = (
        exp.select(exp.alias_(text, "key", quoted=True))
        .from_(_table(target, _NEW))
        .join(_table(target, _OLD, "published"), on=old.eq(new), join_type="full")
        .where(exp.or_(*differs))
    )
    return warehouse.sql(trees.written(query, "duckdb")).pl()["key"]


def _table(target: Target, alias: str, catalog: str = "") -> exp.Table:
    found = trees.relation(target.metric, "metrics", alias)
    found.set("catalog", trees.identifier(catalog) if catalog else None)
    return found


def _look(
    connection: psycopg.Connection[Any],
    target: Target,
    moved: pl.Series,
    since: Moment,
    now: Moment,
) -> _Found:
    """Counts the target's rows, and finds those written since, in one pass that Postgres can run in parallel.

    One statement sees one moment: a row that comes or goes meanwhile is in all of the answer or in none.
    """
    written = row_marks.changed(pg_sql.Identifier("xmin"), since, now)
    query = pg_sql.SQL(
        "select case when coalesce(cardinality(written), 0) <= {most} * all_rows"
        " then coalesce(written, '{{}}') end::text[], untouched, keys"
        " from (select count(*) as all_rows, array_agg({key}) filter (where {written}) as written,"
        " count(*) filter (where {untouched}) as untouched,"
        " coalesce(bit_xor(uuid_hash_extended({key}, 0)) filter (where {untouched}), 0) as keys"
        " from {table}) as counted"
    ).format(
        most=pg_sql.Literal(_MOST_CHANGED),
        key=pg_sql.Identifier(target.key[0]),
        written=written,
        untouched=pg_sql.SQL("not ({} or {} = any({}::uuid[]))").format(
            written, pg_sql.Identifier(target.key[0]), pg_sql.Literal(f"{{{','.join(moved)}}}")
        )
        if target.adds_rows
        else pg_sql.SQL("false"),
        table=target.relation,
    )
    ((keys, untouched, checked),) = connection.execute(query).fetchall()
    return _Found(keys, (untouched, checked))


def _expected(warehouse: duckdb.DuckDBPyConnection, target: Target, keys: pl.Series) -> tuple[int, int]:
    """Returns how many keys the published metric has beside `keys`, and their checksum: these rows should stand."""
    (key,) = target.metric_key
    name = duckdb.ColumnExpression(key)
    before = warehouse.table(_published(target)).select(name)
    rest = before.join(as_uuids(warehouse, key, keys), key, how="anti")
    (rows,) = rest.aggregate("count(*)").fetchone() or (0,)
    return rows, checksum.checksum(warehouse, rest, key)


def as_uuids(warehouse: duckdb.DuckDBPyConnection, name: str, keys: pl.Series) -> duckdb.DuckDBPyRelation:
    """Returns the keys as a relation of one column of that name."""
    import pyarrow

    given = warehouse.from_arrow(pyarrow.table([keys.to_arrow().cast(pyarrow.string())], [name]))
    return given.select(duckdb.ColumnExpression(name).cast("uuid").alias(name))
