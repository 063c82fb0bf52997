"""The published file as readers hold it: a memory of their own, with views on its tables.

Belongs here: opening it, running one query of somebody's own over it, and naming what is not there.
May import: `errors`, `settings`, `display`, `warehouse`.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import duckdb
import polars as pl

from si_analytics import display, warehouse
from si_analytics.errors import MissingTableError, UsageError, WarehouseError
from si_analytics.settings import Settings


def connect(using: Settings) -> duckdb.DuckDBPyConnection:
    """A memory with views on the published tables, under the names they have there.

    Raises WarehouseError, with what to do, where there is no published file yet.
    """
    connection = duckdb.connect(config=warehouse.configuration(using))
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
            connection.table(f'published.{schema}."{table}"').create_view(table)
    connection.execute("use main")
    return connection


def names(connection: duckdb.DuckDBPyConnection) -> list[tuple[str, str]]:
    """Schema and name of every published table, in order."""
    return connection.sql(
        "select schema_name, table_name from duckdb_tables() where database_name = 'published' order by all"
    ).fetchall()


def table(connection: duckdb.DuckDBPyConnection, schema: str, name: str) -> duckdb.DuckDBPyRelation:
    """A published table, its rows in the order they were stored in; raises MissingTableError where there is none."""
    if (schema, name) not in names(connection):
        raise MissingTableError(
            f"reading {schema}.{name}", "this warehouse does not hold it", "Fill it first: si refresh"
        )
    return connection.table(f'published.{schema}."{name}"')


@contextmanager
def scratch(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Whatever is made in this memory meanwhile is gone afterwards: results are taken out before."""
    connection.begin()
    try:
        yield
    finally:
        connection.rollback()


def query(connection: duckdb.DuckDBPyConnection, text: str, parameters: Mapping[str, Any]) -> pl.DataFrame:
    """The rows of one query of somebody's own; values are bound by name."""
    try:
        _require_query(connection.extract_statements(text), parameters)
        return display.readable(connection.sql(text, params=dict(parameters) or None).pl())
    except duckdb.CatalogException as error:
        raise _missing(connection, error) from error
    except duckdb.Error as error:
        raise UsageError("the query", " ".join(str(error).split()), "Correct it") from error


def _missing(connection: duckdb.DuckDBPyConnection, error: duckdb.Error) -> MissingTableError | UsageError:
    """What DuckDB could not find, with the nearest table where it is a table."""
    words = " ".join(str(error).split())
    found = re.search(r"Table with name (\S+) does not exist", words)
    if found is None:
        return UsageError("the query", words, "Correct it")
    named = found[1].strip('"')
    # By bare name; of two alike the later schema, so that metrics come before their history.
    held = {name: f"{schema}.{name}" for schema, name in names(connection)}
    near = difflib.get_close_matches(named.split(".")[-1], held, n=1)
    hint = f"Did you mean {held[near[0]]}? " if near else ""
    return MissingTableError(
        f"the query on {named}", "the warehouse holds no such table", f"{hint}warehouse.tables() lists all it holds"
    )


def _require_query(statements: list[duckdb.Statement], given: Mapping[str, Any]) -> None:
    """Raise UsageError unless there is one statement, it asks rather than changes, and `given` fits its names.

    DuckDB lays a `pivot` out as several statements, of which none has a text.
    """
    written = [one.type for one in statements if one.query]
    asking = all(kind in (duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN) for kind in written)
    if not statements or len(written) > 1 or not asking:
        found = "it is none" if not statements else "it is several" if len(written) > 1 else "it changes something"
        raise UsageError("the query", found, "Give one query; the warehouse is only read")
    wanted = {name for one in statements for name in one.named_parameters}
    if lacking := sorted(wanted - given.keys()):
        values = ", ".join(f"{name}=..." for name in lacking)
        raise UsageError("the query", f"${', $'.join(lacking)} has no value", f"Give one: warehouse.sql(..., {values})")
    if unasked := sorted(given.keys() - wanted):
        raise UsageError("the query", f"it does not name ${', $'.join(unasked)}", "Leave the value out, or name it")
