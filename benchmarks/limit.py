"""The limit: what reading costs when nothing is done with what was read, and which columns that is.

Belongs here: raw binary COPY, and the columns that everybody in the comparison reads.
"""

from __future__ import annotations

import psycopg
from psycopg import sql as pg_sql

from benchmarks.tasks import Task, Work
from si_analytics.definitions import contract

TABLE = "transactions"


def columns() -> list[str]:
    """The columns that a refresh reads of the table."""
    return [column.name for column in contract.columns(TABLE)]


def query() -> pg_sql.Composed:
    """The select that other tools are given."""
    return pg_sql.SQL("select {} from {}").format(
        pg_sql.SQL(", ").join(map(pg_sql.Identifier, columns())), pg_sql.Identifier("public", TABLE)
    )


def raw_copy(task: Task) -> Work:
    """Binary COPY of those columns of the table, thrown away as it comes."""
    command = pg_sql.SQL("copy {} ({}) to stdout (format binary)").format(
        pg_sql.Identifier("public", TABLE), pg_sql.SQL(", ").join(map(pg_sql.Identifier, columns()))
    )

    def run() -> int:
        with psycopg.connect(task.url) as connection, connection.cursor() as cursor:
            with cursor.copy(command) as copy:
                for _ in copy:
                    pass
            return cursor.rowcount

    return Work(run)
