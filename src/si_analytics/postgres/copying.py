"""Loads rows into Postgres tables fast: frames become COPY text, and tables follow their foreign keys.

Belongs here: writing COPY's text format from polars frames, and the statements around a bulk load.

Uses the text format, not CSV, because it writes a line break in a value as ``\\n``. So each line is a row, and
the line number in Postgres's message is the row number.
"""

from __future__ import annotations

import contextlib
import graphlib
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, LiteralString

import polars as pl
import psycopg
from psycopg import sql

from si_analytics.definitions import project
from si_analytics.errors import LoadError
from si_analytics.postgres import operational

_BATCH_ROWS = 50_000
_NEEDS_ESCAPE = r"[\\\t\n\r]"

Connection = psycopg.Connection[Any]


def encode(frame: pl.DataFrame) -> bytes:
    """Returns the rows in COPY's text format: null as ``\\N``, times in UTC, lists as array literals."""
    if not frame.height:
        return b""
    texts = frame.select(_as_text(frame[name]) for name in frame.columns)
    return texts.write_csv(
        include_header=False,
        separator="\t",
        quote_style="never",
        null_value="\\N",
        datetime_format="%Y-%m-%d %H:%M:%S%.6f+00",
    ).encode()


def _as_text(column: pl.Series) -> pl.Series:
    """Returns the column as text that `write_csv` can write without quotes."""
    if isinstance(column.dtype, pl.List):
        column = array_literals(column)
    if isinstance(column.dtype, pl.Datetime):
        return column.dt.convert_time_zone("UTC")
    if column.dtype == pl.String and column.str.contains(_NEEDS_ESCAPE).any():
        return (
            column.str.replace_all("\\", "\\\\", literal=True)
            .str.replace_all("\t", "\\t", literal=True)
            .str.replace_all("\n", "\\n", literal=True)
            .str.replace_all("\r", "\\r", literal=True)
        )
    return column


def array_literals(column: pl.Series) -> pl.Series:
    """Returns lists as Postgres writes arrays: ``{"a","b, c",NULL}``; quotes every element that is not null."""
    quoted = (pl.lit('"') + pl.element().cast(pl.String).str.replace_all(r'(["\\])', r"\${1}") + pl.lit('"')).fill_null(
        "NULL"
    )
    inner = column.list.eval(quoted).list.join(",")
    return pl.select(pl.lit("{") + inner + pl.lit("}")).to_series().rename(column.name)


def write(
    connection: Connection,
    table: str,
    frames: Iterable[pl.DataFrame],
    columns: Sequence[str],
    *,
    schema: str | None = None,
) -> int:
    """Copies the frames into a table in batches; returns the number of rows.

    The table is an operational one, or lies in the `schema` given.
    """
    place = operational.table(connection, table) if schema is None else sql.Identifier(schema, table)
    command = sql.SQL("copy {} ({}) from stdin").format(place, sql.SQL(", ").join(map(sql.Identifier, columns)))
    with connection.cursor() as cursor:
        with cursor.copy(command) as copy:
            for text in _encoded(frames):
                copy.write(text)
        return cursor.rowcount


def _encoded(frames: Iterable[pl.DataFrame]) -> Iterator[bytes]:
    """Yields the frames as text in pieces that fit in memory; makes the next one while the last is sent."""
    with ThreadPoolExecutor(max_workers=1) as pool:
        upcoming: Future[bytes] | None = None
        for frame in frames:
            for offset in range(0, frame.height, _BATCH_ROWS):
                following = pool.submit(encode, frame.slice(offset, _BATCH_ROWS))
                if upcoming is not None:
                    yield upcoming.result()
                upcoming = following
        if upcoming is not None:
            yield upcoming.result()


def insert_order(connection: Connection, tables: Iterable[str]) -> list[str]:
    """Returns the tables so ordered that each follows those its foreign keys point to, as the catalog lists them.

    A table may point to itself, for Postgres checks keys at the end of a statement. Raises LoadError if tables point
    to each other in a circle.
    """
    wanted = list(tables)
    graph: dict[str, set[str]] = {table: set() for table in wanted}
    query = operational.query(connection, project().postgres.foreign_keys)
    found = connection.execute(query, {"tables": wanted}).fetchall()
    for child, parent in found:
        graph[child].add(parent)
    try:
        return list(graphlib.TopologicalSorter(graph).static_order())
    except graphlib.CycleError as error:
        circle = ", ".join(error.args[1][1:])
        raise LoadError(
            "ordering the tables by their foreign keys",
            f"those of {circle} go round in a circle",
            "Drop one of the keys; the declared schema has no such circle: si schema diff",
        ) from error


@contextlib.contextmanager
def keys_aside(connection: Connection, tables: Iterable[str]) -> Iterator[None]:
    """Drops secondary indexes and foreign keys of the tables, and builds them again, unchanged, after the block.

    Makes a large load into empty tables faster: Postgres sorts each index once and checks each key by one join,
    not row by row. Runs in the caller's transaction, so nobody else sees the tables without them. Skips what only
    the owner may change if we are not the owner, and what its definition does not fully describe.
    """
    query = operational.query(connection, project().postgres.keys_aside)
    found = connection.execute(query, {"tables": list(tables)}).fetchall()
    for kind, table, name, _ in found:
        if kind == "foreign key":
            connection.execute(_alter(connection, "alter table {} drop constraint {}", table, name))
    for kind, _, name, _ in found:
        if kind == "index":
            connection.execute(sql.SQL("drop index {}").format(operational.table(connection, name)))
    yield
    for kind, table, name, definition in reversed(found):
        # The server's own definition of the object, as pg_dump would print it.
        words = sql.SQL(definition)
        connection.execute(
            words if kind == "index" else _alter(connection, "alter table {} add constraint {} ", table, name) + words
        )


def _alter(connection: Connection, statement: LiteralString, table: str, name: str) -> sql.Composed:
    return sql.SQL(statement).format(operational.table(connection, table), sql.Identifier(name))


def analyze(connection: Connection, tables: Iterable[str]) -> None:
    """Updates the planner's statistics: Postgres reads a table without any with one process only."""
    listed = sql.SQL(", ").join(operational.table(connection, table) for table in tables)
    connection.execute(sql.SQL("analyze {}").format(listed))
