"""Rows into Postgres tables, fast: frames as COPY text, tables in the order their foreign keys ask for.

Belongs here: writing COPY's text format from polars frames, and the statements around a bulk load.

Text format rather than CSV: a line break within a value is written ``\\n``, so a line is a row and
the line number in Postgres's message is the number of the row.
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
    """The rows in COPY's text format: null as ``\\N``, times in UTC, lists as array literals."""
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
    """The column as `write_csv` may write it without quoting anything."""
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
    """Lists as Postgres writes arrays: ``{"a","b, c",NULL}``; every element that is not null is quoted."""
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
    """COPY the frames into a table, some rows at a time; how many rows there were.

    It is an operational table, or one of the `schema` given.
    """
    place = operational.table(connection, table) if schema is None else sql.Identifier(schema, table)
    command = sql.SQL("copy {} ({}) from stdin").format(place, sql.SQL(", ").join(map(sql.Identifier, columns)))
    with connection.cursor() as cursor:
        with cursor.copy(command) as copy:
            for text in _encoded(frames):
                copy.write(text)
        return cursor.rowcount


def _encoded(frames: Iterable[pl.DataFrame]) -> Iterator[bytes]:
    """The frames' text, in pieces that fit comfortably into memory, one made while the last is being sent."""
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
    """The tables so ordered that each comes after those its foreign keys refer to; read from the catalogue.

    A table may refer to itself: keys are checked when a statement ends. Raises LoadError where tables refer
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
    """Take secondary indexes and foreign keys off the tables, and build them again at the end, as they were.

    For a load of very many rows into empty tables: an index is sorted once and a key checked by one join,
    instead of row by row. Within the caller's transaction, so nobody ever sees the tables without them. Leaves alone
    what only the owner may touch if we are not the owner, and whatever its definition does not wholly describe.
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
        # The server's own words for the object, as pg_dump would print them.
        words = sql.SQL(definition)
        connection.execute(
            words if kind == "index" else _alter(connection, "alter table {} add constraint {} ", table, name) + words
        )


def _alter(connection: Connection, statement: LiteralString, table: str, name: str) -> sql.Composed:
    return sql.SQL(statement).format(operational.table(connection, table), sql.Identifier(name))


def analyze(connection: Connection, tables: Iterable[str]) -> None:
    """Let the planner know the tables: one that was never analysed is read by one thread only."""
    listed = sql.SQL(", ").join(operational.table(connection, table) for table in tables)
    connection.execute(sql.SQL("analyze {}").format(listed))
