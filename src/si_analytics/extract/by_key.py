"""Reads the rows of given keys, and brings ``raw`` to what the snapshot holds under them.

Belongs here: the query that answers for every key, and the proof that it did.
"""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

import duckdb
from psycopg import sql as pg_sql

from si_analytics.definitions import project
from si_analytics.extract import incremental
from si_analytics.extract.source import ReadTable

UNANSWERED = "the rows read by key were not those that were asked for"
NOT_A_NUMBER = "an amount is not a number"
_ANSWERS = "raw.answers"
# One statement: a relation would have Postgres look at the list of keys more often.
_STORE = "create table raw.answers as select * from postgres_query('pg', $text)"
_ASKED, _NOT_A_NUMBER = "asked_key", "not_a_number"


def update(connection: duckdb.DuckDBPyConnection, one: ReadTable, keys: Collection[UUID]) -> tuple[int, int, int] | str:
    """Returns how many rows of these keys were inserted, updated and deleted; or, having changed nothing, why not.

    Postgres answers each key with its row, or with none if the snapshot has no such row. Each has to be answered once.
    """
    if not keys:
        return 0, 0, 0
    key = project().sources[one.table].key
    connection.execute(_STORE, {"text": _question(one, keys)})
    try:
        answers = connection.table(_ANSWERS)
        told = answers.aggregate(
            f"count(*), count(distinct {_ASKED}), count(*) filter ({_NOT_A_NUMBER}),"
            f' count(*) filter ("{key}" is distinct from {_ASKED} and "{key}" is not null), count("{key}")'
        ).fetchone()
        rows, distinct, not_numbers, others, found = told or (0, 0, 0, 0, 0)
        if (rows, distinct, others) != (len(keys), len(keys), 0):
            return UNANSWERED
        if not_numbers:
            return NOT_A_NUMBER
        columns = [duckdb.ColumnExpression(name) for name in answers.columns if name not in {_ASKED, _NOT_A_NUMBER}]
        there = duckdb.ColumnExpression(key).isnotnull()
        inserted, updated = incremental.apply(connection, one.table, key, answers.filter(there).select(*columns))
        gone = answers.filter(~there).select(duckdb.ColumnExpression(_ASKED).alias(key))
        deleted = incremental.remove(connection, one.table, key, gone) if found < rows else 0
        return inserted, updated, deleted
    finally:
        connection.execute(f"drop table {_ANSWERS}")


def _question(one: ReadTable, keys: Collection[UUID]) -> str:
    """Returns the query for a row for each key, in the columns of the table null if it has no such row."""
    declared = project().sources[one.table]
    amount = pg_sql.SQL("{} = 'NaN'").format(pg_sql.Identifier(declared.money)) if declared.money else None
    query = pg_sql.SQL(
        "select {asked}, {nan} as {named}, {columns} from unnest({keys}::uuid[]) as asked ({asked})"
        " left join {relation} on {key} = {asked} order by {asked}"
    ).format(
        asked=pg_sql.Identifier(_ASKED),
        nan=pg_sql.SQL("coalesce({}, false)").format(amount) if amount else pg_sql.SQL("false"),
        named=pg_sql.Identifier(_NOT_A_NUMBER),
        columns=pg_sql.SQL(", ").join(one.selected(flat=True)),
        keys=pg_sql.Literal(f"{{{','.join(sorted(map(str, keys)))}}}"),
        relation=one.place,
        key=pg_sql.Identifier(declared.key),
    )
    return query.as_string(None)
