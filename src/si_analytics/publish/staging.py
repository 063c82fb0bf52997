"""Beside the target: what a refresh found, brought to Postgres as far as it seems to differ, and compared there.

Belongs here: reading what stands in a target, staging what looks different, and the rows that
are. Writes temporary tables only.

All candidates are read, or all rows where those are not known, which is quick; only rows whose text differs are sent
back. Equal texts of one type are equal values, so no difference is missed; whether texts that differ are values that do
is decided in Postgres.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import duckdb
import polars as pl
import psycopg
from psycopg import sql as pg_sql

from si_analytics.definitions import column_types, project, targets
from si_analytics.definitions.targets import Target
from si_analytics.publish import candidates, statements

PART_ROWS = 20_000
"""How many rows one statement writes."""

_TIME = "timestamp with time zone"
_AS_IT_IS = ("UUID", "VARCHAR", "BIGINT", "DECIMAL", "TIMESTAMP WITH TIME ZONE", "BOOLEAN")
_BATCH_ROWS = 100_000


@dataclass(frozen=True)
class RowChange:
    """One row that publishing would write: what stands there (nothing of a new row) and what would (nothing of one
    that goes); of a row that is updated only the columns that change.
    """

    target: str
    action: str
    key: dict[str, Any]
    before: dict[str, Any]
    after: dict[str, Any]


def changed_rows(connection: psycopg.Connection[Any], target: Target) -> Iterator[RowChange]:
    """The rows that `compare` found to differ, in the order of action and key; those to be skipped left out."""
    query = pg_sql.SQL(
        "select changes.action, {key}, {after}, {before} from {changes} as changes left join {table} as standing"
        " using ({key}) where changes.action <> 'skip' order by changes.action, {key}"
    ).format(
        key=target.keys,
        after=pg_sql.SQL(", ").join(pg_sql.Identifier("changes", name) for name in target.columns),
        before=pg_sql.SQL(", ").join(pg_sql.Identifier("standing", name) for name in target.columns),
        changes=target.changes,
        table=target.relation,
    )
    keys, columns = len(target.key), len(target.columns)
    for action, *values in connection.execute(query):
        key = dict(zip(target.key, values[:keys], strict=True))
        after = dict(zip(target.columns, values[keys : keys + columns], strict=True))
        before = dict(zip(target.columns, values[keys + columns :], strict=True))
        same = {name for name in target.columns if action == "update" and before[name] == after[name]}
        yield RowChange(
            target.name,
            action,
            key,
            {} if action == "insert" else {name: value for name, value in before.items() if name not in same},
            {} if action == "delete" else {name: value for name, value in after.items() if name not in same},
        )


def compare(
    warehouse: duckdb.DuckDBPyConnection,
    connection: psycopg.Connection[Any],
    target: Target,
    keys: pl.Series | None = None,
) -> int:
    """Fill the temporary table of the rows of `target` that differ; how many they are.

    It has the target's columns, ``action`` (insert, update, delete or skip) and ``part``, a number that goes up with
    the key, for statements of no more than `PART_ROWS`. Looks at the rows with these `keys` alone, or at all for None.
    """
    proposed = _proposed(warehouse, connection, target, keys)
    _stage(connection, target, proposed)
    connection.execute(
        pg_sql.SQL(
            "create temporary table {changes} on commit drop as"
            " select compared.*, (row_number() over (order by {key}) - 1) / {rows} as part from ({query}) as compared"
        ).format(
            changes=target.changes,
            key=target.keys,
            rows=pg_sql.Literal(PART_ROWS),
            query=pg_sql.SQL(statements.compare(target)),
        )
    )
    connection.execute(pg_sql.SQL("analyze {}").format(target.changes))
    row = connection.execute(pg_sql.SQL("select count(*) from {}").format(target.changes)).fetchone()
    rows = int(row[0]) if row else 0
    if rows > PART_ROWS:
        connection.execute(pg_sql.SQL("create index on {} (part)").format(target.changes))
    return rows


def left_alone(connection: psycopg.Connection[Any], target: Target) -> int:
    """How many rows `compare` found to stand otherwise than the metric says, and leaves: their owner went, or came."""
    if target.parent is None:
        return 0
    query = pg_sql.SQL(
        "select (select count(*) from {changes} as changes inner join {table} as standing using ({key})"
        " where changes.action = 'skip')"
        " + (select count(*) from {staging} as staged inner join {table} as standing using ({key})"
        " left join {changes} as changes using ({key}) where staged.is_gone and changes.action is null)"
    ).format(changes=target.changes, staging=target.staging, table=target.relation, key=target.keys)
    ((rows,),) = connection.execute(query).fetchall()
    return int(rows)


def types(warehouse: duckdb.DuckDBPyConnection, target: Target) -> dict[str, str]:
    """The type in Postgres of each of the target's columns as the metric has it."""
    kinds, path = _kinds(warehouse, target), project().metrics[target.metric].path
    return {here: column_types.postgres_type(kinds[there], there, path) for there, here in _names(target).items()}


def _kinds(warehouse: duckdb.DuckDBPyConnection, target: Target) -> dict[str, str]:
    source = warehouse.table(target.source)
    return dict(zip(source.columns, map(str, source.types), strict=True))


def _names(target: Target) -> dict[str, str]:
    """What the target calls each published column of the metric."""
    return dict(zip((*target.metric_key, *target.columns), target.names, strict=True))


def _proposed(
    warehouse: duckdb.DuckDBPyConnection,
    connection: psycopg.Connection[Any],
    target: Target,
    keys: pl.Series | None,
) -> tuple[pl.DataFrame, dict[str, str]]:
    """The rows of the metric that are not there to the letter, and the keys of those it does not have."""
    kinds, kinds_there = _kinds(warehouse, target), types(warehouse, target)
    source = warehouse.table(target.source)
    if keys is not None:
        (key,) = target.metric_key
        source = source.join(candidates.as_uuids(warehouse, key, keys), key, how="semi")
    chosen = [_chosen(there, kinds[there]).alias(here) for there, here in _names(target).items()]
    zeros = targets.zeros(target, project().tables[target.declared])
    rows = source.select(*chosen).pl().with_columns(pl.col(name).fill_null(0) for name in zeros)
    found = _texts(rows, kinds_there)
    standing = _standing(connection, target, kinds_there, keys)
    beside = found.join(standing, on=list(target.key), how="left", suffix=" standing", coalesce=True)
    differs = [pl.col(name).ne_missing(pl.col(f"{name} standing")) for name in target.columns]
    differing = beside.filter(pl.any_horizontal(pl.col("is_there").is_null(), *differs)).select(target.names)
    gone = standing.join(found, on=list(target.key), how="anti").select(target.key)
    return pl.concat(
        [
            differing.with_columns(is_gone=pl.lit("f")),
            gone.with_columns(pl.lit(None, pl.String).alias(name) for name in target.columns).with_columns(
                is_gone=pl.lit("t")
            ),
        ]
    ), kinds_there


def _chosen(name: str, kind: str) -> duckdb.Expression:
    """A column of a metric, in a form that polars writes as Postgres reads it."""
    column = duckdb.ColumnExpression(name)
    if kind.endswith("]"):
        return _array(column)
    if kind == "BLOB":
        digits = duckdb.FunctionExpression("hex", column)
        return duckdb.FunctionExpression("concat", duckdb.ConstantExpression("\\x"), digits)
    return column if kind.startswith(_AS_IT_IS) else column.cast("varchar")


def _array(column: duckdb.Expression) -> duckdb.Expression:
    """A list as Postgres writes arrays: every element in quotes, a null without."""
    texts = duckdb.FunctionExpression("to_json", column.cast("varchar[]")).cast("varchar")
    bare = duckdb.FunctionExpression("substr", texts, duckdb.ConstantExpression(2))
    inner = duckdb.FunctionExpression("left", bare, duckdb.ConstantExpression(-1))
    braces = (duckdb.ConstantExpression("{"), inner, duckdb.ConstantExpression("}"))
    return duckdb.CaseExpression(column.isnotnull(), duckdb.FunctionExpression("concat", *braces))


def _standing(
    connection: psycopg.Connection[Any], target: Target, types: dict[str, str], keys: pl.Series | None
) -> pl.DataFrame:
    """The rows that stand there, of these `keys` or all, as text, with a sign before each text: null has none."""
    marked = [
        (pg_sql.SQL("'=' || {}") if types[name] == "text" else pg_sql.SQL("{}")).format(pg_sql.Identifier(name))
        for name in target.names
    ]
    query = pg_sql.SQL("copy (select {}, 't' from {}) to stdout (format csv)").format(
        pg_sql.SQL(", ").join(marked),
        target.relation if keys is None else _with_candidates(connection, target, keys),
    )
    held = io.BytesIO()
    with connection.cursor() as cursor, cursor.copy(query) as copy:
        for block in copy:
            held.write(block)
    names = [*target.names, "is_there"]
    if not held.tell():
        return pl.DataFrame(schema=dict.fromkeys(names, pl.String))
    held.seek(0)
    return pl.read_csv(held, has_header=False, new_columns=names, schema=dict.fromkeys(names, pl.String))


def _with_candidates(connection: psycopg.Connection[Any], target: Target, keys: pl.Series) -> pg_sql.Composed:
    """The target joined with a temporary table of the keys to look at, which this fills."""
    wanted = pg_sql.Identifier("pg_temp", f"candidates_{target.name}")
    connection.execute(
        pg_sql.SQL("create temporary table {} ({} uuid primary key) on commit drop").format(wanted, target.keys)
    )
    with connection.cursor() as cursor, cursor.copy(pg_sql.SQL("copy {} from stdin").format(wanted)) as copy:
        copy.write("".join(f"{key}\n" for key in keys))
    connection.execute(pg_sql.SQL("analyze {}").format(wanted))
    return pg_sql.SQL("{} inner join {} using ({})").format(target.relation, wanted, target.keys)


def _stage(connection: psycopg.Connection[Any], target: Target, proposed: tuple[pl.DataFrame, dict[str, str]]) -> None:
    """COPY the proposed rows into a temporary table that goes with the transaction."""
    rows, types = proposed
    staging = target.staging
    columns = pg_sql.SQL(", ").join(
        pg_sql.SQL("{} {}").format(pg_sql.Identifier(name), pg_sql.SQL(types[name])) for name in target.names
    )
    connection.execute(
        pg_sql.SQL("create temporary table {} ({}, is_gone boolean) on commit drop").format(staging, columns)
    )
    texts = [pl.col(name).str.slice(1) for name in target.names if types[name] == "text"]
    with (
        connection.cursor() as cursor,
        cursor.copy(pg_sql.SQL("copy {} from stdin (format csv)").format(staging)) as copy,
    ):
        for block in _csv(rows.with_columns(texts)):
            copy.write(block)
    connection.execute(pg_sql.SQL("analyze {}").format(staging))


def _csv(rows: pl.DataFrame) -> Iterator[bytes]:
    """Rows as COPY reads them: null is nothing at all, an empty text is quoted."""
    for offset in range(0, rows.height, _BATCH_ROWS):
        part = rows.slice(offset, _BATCH_ROWS)
        yield part.write_csv(include_header=False, null_value="", quote_style="necessary").encode()


def _texts(frame: pl.DataFrame, types: dict[str, str]) -> pl.DataFrame:
    """Every value as Postgres writes it in COPY, a text with a sign before it."""
    return frame.select(_text(name, types[name]) for name in frame.columns)


def _text(name: str, kind: str) -> pl.Expr:
    if kind == _TIME:
        return _time(name)
    if kind == "text":
        return pl.concat_str(pl.lit("="), pl.col(name)).alias(name)
    return pl.col(name).cast(pl.String)


def _time(name: str) -> pl.Expr:
    """A time as Postgres writes it, also before the year 1, which it counts backwards and marks BC."""
    moment = pl.col(name).dt.convert_time_zone("UTC")
    year = moment.dt.year()
    counted = pl.when(year > 0).then(year).otherwise(1 - year).cast(pl.String).str.zfill(4)
    fraction = moment.dt.strftime("%.6f").str.strip_chars_end("0").str.strip_chars_end(".")
    era = pl.when(year > 0).then(pl.lit("+00")).otherwise(pl.lit("+00 BC"))
    return pl.concat_str(counted, moment.dt.strftime("-%m-%d %H:%M:%S"), fraction, era).alias(name)
