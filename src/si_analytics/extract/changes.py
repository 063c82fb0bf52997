"""What an extraction changed in a table: its rows as they were and as they are now, in ``changes.<table>``.

Belongs here: keeping both before ``raw`` is overwritten. Whatever is computed from a table can then be brought up to
it by its changed rows alone. A table that has no ``changes.<table>`` was read whole: its changes are not known.
"""

from __future__ import annotations

import duckdb

from si_analytics.definitions import trees

SCHEMA = "changes"

IS_NEW = "is_new"
"""The column that tells a row as it is now from a row as it was; a changed row is there both ways."""


def known(connection: duckdb.DuckDBPyConnection, table: str) -> bool:
    """Whether it is known what the last extraction changed in a table."""
    held = "select 1 from duckdb_tables() where database_name = current_database() and schema_name = $1 and table_name = $2"
    return connection.execute(held, [SCHEMA, table]).fetchone() is not None


def begin(connection: duckdb.DuckDBPyConnection, table: str) -> None:
    """Make ``changes.<table>`` empty: nothing is known to have changed."""
    held, raw = _named(table)
    connection.execute(f"create or replace table {held} as select *, true as {IS_NEW} from {raw} limit 0")


def forget(connection: duckdb.DuckDBPyConnection, table: str) -> None:
    """Drop ``changes.<table>``: it is not known what changed."""
    held, _ = _named(table)
    connection.execute(f"drop table if exists {held}")


def keep_replaced(connection: duckdb.DuckDBPyConnection, table: str, key: str, rows: str) -> None:
    """Keep the rows that those of the table `rows` are about to replace, and those of `rows` themselves."""
    held, raw = _named(table)
    by = trees.identifier(key).sql("duckdb")
    connection.execute(f"insert into {held} by name select *, false as {IS_NEW} from {raw} semi join {rows} using ({by})")
    connection.execute(f"insert into {held} by name select *, true as {IS_NEW} from {rows}")


def keep_removed(connection: duckdb.DuckDBPyConnection, table: str, key: str, standing: str) -> None:
    """Keep the rows that are about to go: those whose key the table `standing` does not have."""
    held, raw = _named(table)
    by = trees.identifier(key).sql("duckdb")
    connection.execute(
        f"insert into {held} by name select *, false as {IS_NEW} from {raw} anti join {standing} using ({by})"
    )


def compare(connection: duckdb.DuckDBPyConnection, table: str, rows: str) -> None:
    """Keep what the table `rows`, which holds every row, is about to change; forget it where the columns differ."""
    held, raw = _named(table)
    if not _alike(connection, table, rows):
        forget(connection, table)
        return
    # Both sides at once: a row that stands on one side only is a row as it is, or as it was.
    connection.execute(
        f"create or replace table {held} as"
        f" select *, true as {IS_NEW} from (from {rows} except all select * from {raw})"
        f" union all select *, false as {IS_NEW} from (from {raw} except all select * from {rows})"
    )


def _alike(connection: duckdb.DuckDBPyConnection, table: str, rows: str) -> bool:
    """Whether the last refresh's rows are there, in the same columns."""
    columns = (
        "select column_name, data_type from duckdb_columns() where database_name = current_database()"
        " and schema_name = 'raw' and table_name = $1 order by column_index"
    )
    before, now = (connection.execute(columns, [one]).fetchall() for one in (table, rows.removeprefix("raw.")))
    return bool(before) and before == now


def settle(connection: duckdb.DuckDBPyConnection, table: str, key: str) -> None:
    """Leave out rows that were written again with the values they had."""
    held, _ = _named(table)
    by = trees.identifier(key).sql("duckdb")
    rows = f"select * exclude ({IS_NEW}) from {held} where"
    connection.execute(
        f"delete from {held} where {by} in (select {by} from ({rows} not {IS_NEW} intersect {rows} {IS_NEW}))"
    )


def _named(table: str) -> tuple[str, str]:
    """The tables of a table's changes and of its rows, as SQL names them."""
    return (
        trees.relation(table, SCHEMA).sql("duckdb"),
        trees.relation(table, "raw").sql("duckdb"),
    )
