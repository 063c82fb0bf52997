"""The published file as readers see it: an in-memory database with views on its tables.

Belongs here: opening it, running one query of the user's own on it, and naming what is missing.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import duckdb
import polars as pl

from si_analytics import formatting, warehouse
from si_analytics.compute import facts
from si_analytics.definitions import project
from si_analytics.errors import MissingTableError, UsageError, WarehouseError
from si_analytics.query import permitted
from si_analytics.settings import Settings


def connect(using: Settings, *, with_stand_ins: bool = True) -> duckdb.DuckDBPyConnection:
    """An in-memory database with views on the published tables, under the same names; locked, so it opens nothing else.

    In a file without personal columns the row's key stands in for each of them, so that the library's own queries run.
    Raises WarehouseError, with what to do, if there is no published file yet.
    """
    connection = duckdb.connect(config={**warehouse.configuration(using), **permitted.NO_REPLACEMENTS})
    connection.execute("set global TimeZone = 'UTC'")
    if not warehouse.attach_published(connection, using):
        raise WarehouseError(
            f"opening the warehouse {using.warehouse}", "there is none yet", "Fill it first: si refresh"
        )
    for schema in warehouse.SCHEMAS:
        connection.execute(f"create schema {schema}")
        connection.execute(f"use {schema}")
        held = connection.sql(
            "select table_name from duckdb_tables() where database_name = 'published' and schema_name = $schema",
            params={"schema": schema},
        ).fetchall()
        for (table,) in held:
            stored = connection.table(f'published.{schema}."{table}"')
            added = _stand_ins(table, stored.columns) if schema == "raw" and with_stand_ins else ()
            stored.select(duckdb.StarExpression(), *added).create_view(table)
    connection.execute("use main")
    facts.note_stored(connection)
    permitted.lock(connection)
    return connection


def _stand_ins(table: str, held: Sequence[str]) -> tuple[duckdb.Expression, ...]:
    """The personal columns that a raw table lacks, each with the row's key as its value."""
    source = project().sources.get(table)
    if source is None:
        return ()
    key = duckdb.ColumnExpression(source.key).cast("varchar")
    return tuple(key.alias(column) for column in source.personal if column not in held)


def names(connection: duckdb.DuckDBPyConnection) -> list[tuple[str, str]]:
    """Schema and name of every published table, in order."""
    return connection.sql(
        "select schema_name, table_name from duckdb_tables() where database_name = 'published' order by all"
    ).fetchall()


def table(connection: duckdb.DuckDBPyConnection, schema: str, name: str) -> duckdb.DuckDBPyRelation:
    """A published table, its rows in stored order; raises MissingTableError if there is none."""
    if (schema, name) not in names(connection):
        raise MissingTableError(
            f"reading {schema}.{name}", "this warehouse does not hold it", "Fill it first: si refresh"
        )
    return connection.table(f'published.{schema}."{name}"')


@contextmanager
def scratch(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Undoes everything created in memory within the block; fetch results before it ends."""
    connection.begin()
    try:
        yield
    finally:
        connection.rollback()


def query(connection: duckdb.DuckDBPyConnection, text: str, parameters: Mapping[str, Any]) -> pl.DataFrame:
    """The rows of one query of the user's own; values are bound by name. Whatever the query creates is undone."""
    try:
        permitted.require(connection, text, parameters)
        with scratch(connection):
            return formatting.readable(_framed(connection.sql(text, params=dict(parameters) or None)))
    except duckdb.CatalogException as error:
        raise _missing(connection, error) from error
    except duckdb.Error as error:
        raise _refused(error) from error


def _framed(found: duckdb.DuckDBPyRelation) -> pl.DataFrame:
    try:
        return found.pl()
    except pl.exceptions.PolarsError as error:
        columns = ", ".join(f"{name} ({kind})" for name, kind in zip(found.columns, found.types, strict=True))
        raise UsageError(
            "the query",
            f"polars has no frame for its result, whose columns are {columns}",
            "Cast an interval, union or unnamed struct to varchar",
        ) from error


def _refused(error: duckdb.Error) -> UsageError:
    """DuckDB's reason for refusing a query; in our words if DuckDB's own are not about the query."""
    words = " ".join(str(error).split())
    if isinstance(error, duckdb.PermissionException):
        found = "it reads a file or a place that is not the warehouse"
        return UsageError("the query", found, "Read raw, dimensions, facts, metrics, history and meta")
    if isinstance(error, duckdb.OutOfMemoryException):
        found = "it needs more memory than it may use"
        return UsageError("the query", found, "Ask for fewer rows or columns at once, or raise SI_MEMORY_LIMIT")
    if typed := re.search(r"Unable to transform python value of type '<class '(?:\w+\.)*(\w+)'>'", words):
        found = f"a value that is bound is of type {typed[1]}"
        return UsageError("the query", found, "Bind text, numbers, dates and times, or lists of them")
    return UsageError("the query", words, "Correct it")


def _missing(connection: duckdb.DuckDBPyConnection, error: duckdb.Error) -> MissingTableError | UsageError:
    """What DuckDB could not find; for a table, with the nearest one."""
    words = " ".join(str(error).split())
    found = re.search(r"Table with name (\S+) does not exist", words)
    if found is None:
        return UsageError("the query", words, "Correct it")
    named = found[1].strip('"')
    # By bare name; of two alike the later schema wins, so that metrics come before their history.
    held = {name: f"{schema}.{name}" for schema, name in names(connection)}
    near = difflib.get_close_matches(named.split(".")[-1], held, n=1)
    hint = f"Did you mean {held[near[0]]}? " if near else ""
    return MissingTableError(
        f"the query on {named}", "the warehouse holds no such table", f"{hint}warehouse.tables() lists all it holds"
    )
