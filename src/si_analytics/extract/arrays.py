"""Reads arrays of several dimensions as flat lists.

Belongs here: finding out whether a table holds such an array.

Postgres lets each row's array have any number of dimensions, whatever the column declares; a DuckDB list has one. So
an array of several dimensions becomes the list of its elements, in the order in which Postgres's `= any` reads them.
"""

from __future__ import annotations

import duckdb
from psycopg import sql as pg_sql

from si_analytics.definitions import contract
from si_analytics.extract import source
from si_analytics.extract.source import ReadTable


def flat(connection: duckdb.DuckDBPyConnection, one: ReadTable) -> bool:
    """Returns whether a table's arrays are all one-dimensional or empty, and no array column is declared otherwise."""
    names = [column.name for column in contract.columns(one.table) if _is_array(column)]
    if not names:
        return True
    query = pg_sql.SQL(
        "select count(*) filter (where {several}) as several, (select count(*) from pg_attribute"
        " where attrelid = {oid} and attndims > 1 and attname = any({names})) as declared from {relation}"
    ).format(
        several=pg_sql.SQL(" or ").join(
            pg_sql.SQL("array_ndims({}) > 1").format(pg_sql.Identifier(name)) for name in names
        ),
        oid=pg_sql.Literal(one.relation.oid),
        names=pg_sql.Literal(names),
        relation=pg_sql.Identifier(one.relation.schema, one.relation.name),
    )
    return source.ask(connection, query.as_string(None)) == [(0, 0)]


def _is_array(column: contract.ReadColumn) -> bool:
    return column.type.endswith("[]")
