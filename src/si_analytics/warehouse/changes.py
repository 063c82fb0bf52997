"""What an extraction changed in a table: its rows as they were and as they are now, in ``changes.<table>``.

Belongs here: keeping both before ``raw`` is overwritten. Whatever is computed from a table can then be brought up to
it by its changed rows alone. A table that has no ``changes.<table>`` was read whole: its changes are not known.
"""

from __future__ import annotations

from typing import LiteralString

import duckdb

from si_analytics.warehouse import statements

SCHEMA = "changes"

IS_NEW = "is_new"
"""The column that tells a row as it is now from a row as it was; a changed row is there both ways."""


def begin(connection: duckdb.DuckDBPyConnection, table: str) -> None:
    """Make ``changes.<table>`` empty: nothing is known to have changed."""
    _run(connection, "create or replace table {held} as select *, true as {is_new} from {raw} limit 0", table)


def forget(connection: duckdb.DuckDBPyConnection, table: str) -> None:
    """Drop ``changes.<table>``: it is not known what changed."""
    _run(connection, "drop table if exists {held}", table)


def keep_replaced(connection: duckdb.DuckDBPyConnection, table: str, key: str, rows: str) -> None:
    """Keep the rows that those of the table `rows` are about to replace, and those of `rows` themselves."""
    old: LiteralString = (
        "insert into {held} by name select *, false as {is_new} from {raw} semi join {rows} using ({key})"
    )
    _run(connection, old, table, key=key, rows=rows)
    _run(connection, "insert into {held} by name select *, true as {is_new} from {rows}", table, rows=rows)


def keep_gone(connection: duckdb.DuckDBPyConnection, table: str, key: str, gone: str) -> None:
    """Keep the rows that are about to go: those whose key the table `gone` has."""
    old: LiteralString = (
        "insert into {held} by name select *, false as {is_new} from {raw} semi join {gone} using ({key})"
    )
    _run(connection, old, table, key=key, gone=gone)


def keep_removed(connection: duckdb.DuckDBPyConnection, table: str, key: str, standing: str) -> None:
    """Keep the rows that are about to go: those whose key the table `standing` does not have."""
    old: LiteralString = (
        "insert into {held} by name select *, false as {is_new} from {raw} anti join {standing} using ({key})"
    )
    _run(connection, old, table, key=key, standing=standing)


def compare(connection: duckdb.DuckDBPyConnection, table: str, rows: str) -> None:
    """Keep what the table `rows`, which holds every row, is about to change.

    Forgets it where the columns differ, and where an attempt to read changes has already written some of them.
    """
    if _begun(connection, table) or not _alike(connection, table, rows):
        forget(connection, table)
        return
    # Both sides at once: a row that stands on one side only is a row as it is, or as it was.
    both: LiteralString = (
        "create or replace table {held} as"
        " select *, true as {is_new} from (from {rows} except all select * from {raw})"
        " union all select *, false as {is_new} from (from {raw} except all select * from {rows})"
    )
    _run(connection, both, table, rows=rows)


def settle(connection: duckdb.DuckDBPyConnection, table: str, key: str) -> None:
    """Leave out rows that were written again with the values they had."""
    again: LiteralString = (
        "delete from {held} where {key} in (select {key} from ("
        "select * exclude ({is_new}) from {held} where not {is_new}"
        " intersect select * exclude ({is_new}) from {held} where {is_new}))"
    )
    _run(connection, again, table, key=key)


def _begun(connection: duckdb.DuckDBPyConnection, table: str) -> bool:
    held = (
        "select 1 from duckdb_tables() where database_name = current_database()"
        " and schema_name = $1 and table_name = $2"
    )
    return connection.execute(held, [SCHEMA, table]).fetchone() is not None


def _alike(connection: duckdb.DuckDBPyConnection, table: str, rows: str) -> bool:
    """Whether the last refresh's rows are there, in the same columns."""
    columns = (
        "select column_name, data_type from duckdb_columns() where database_name = current_database()"
        " and schema_name = 'raw' and table_name = $1 order by column_index"
    )
    before, now = (connection.execute(columns, [one]).fetchall() for one in (table, rows.removeprefix("raw.")))
    return bool(before) and before == now


def _run(connection: duckdb.DuckDBPyConnection, statement: LiteralString, table: str, **names: str) -> None:
    """Run a statement on a table's changes and its rows."""
    connection.execute(f"create schema if not exists {SCHEMA}")
    statements.run(connection, statement, held=f"{SCHEMA}.{table}", raw=f"raw.{table}", is_new=IS_NEW, **names)
