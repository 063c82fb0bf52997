"""Counts what changed since the last refresh where the working file is at an earlier one.

Belongs here: telling, of the rows read since the earlier refresh, those that the published warehouse does not hold yet.
The published warehouse is attached as ``published``.
"""

from __future__ import annotations

import duckdb
from psycopg import sql as pg_sql

from si_analytics.definitions import project
from si_analytics.extract import incremental
from si_analytics.extract.incremental import Baseline, Found
from si_analytics.extract.source import ReadTable, Snapshot

_FETCHED = "raw.fetched_rows"
_COUNTED = (
    "select count(*) filter (where {key} not in (select {key} from published.raw.{table})),"
    " count(*) filter (where {mark} and {key} in (select {key} from published.raw.{table}))"
    " from raw.fetched_rows"
)


def fetch(
    connection: duckdb.DuckDBPyConnection, one: ReadTable, found: Found, since: Baseline, now: Snapshot
) -> tuple[duckdb.DuckDBPyRelation, int, int]:
    """Returns the changed rows, and how many of them are new to the published warehouse and how many changed since it.

    Keeps the rows in a table until `forget`.
    """
    incremental.fetch(connection, one, found, since, now).create(_FETCHED)
    query = pg_sql.SQL(_COUNTED).format(
        key=pg_sql.Identifier(project().sources[one.table].key),
        table=pg_sql.Identifier(one.table),
        mark=pg_sql.Identifier(incremental.SINCE_LAST),
    )
    ((inserted, updated),) = connection.sql(query.as_string(None)).fetchall()
    rows = connection.table(_FETCHED).select(duckdb.StarExpression(exclude=[incremental.SINCE_LAST]))
    return rows, int(inserted), int(updated)


def forget(connection: duckdb.DuckDBPyConnection) -> None:
    """Drops the rows that `fetch` kept."""
    connection.execute(f"drop table if exists {_FETCHED}")


def published_rows(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    """Returns how many rows of a table the published warehouse holds."""
    ((count,),) = connection.table(f"published.raw.{table}").aggregate("count(*)").fetchall()
    return int(count)
