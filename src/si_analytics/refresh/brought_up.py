"""An earlier file of ours as the working file: whether it can be brought up to now, and the records made since.

Belongs here: comparing the spare with the published file. Its rows, facts and metrics stay those of its own refresh,
until the refresh reads what changed since; ``meta`` and ``history`` become the published file's.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, LiteralString

import duckdb
from psycopg import sql as pg_sql

from si_analytics import warehouse
from si_analytics.extract.incremental import Baseline
from si_analytics.periods import windows
from si_analytics.refresh import run_log
from si_analytics.settings import Settings
from si_analytics.warehouse import spare

_NEWER = "select number, as_of, timezone from published.meta.refreshes where number > {number} order by number"
_SAME_RECORD = (
    "select count(*) from meta.refreshes inner join published.meta.refreshes as theirs"
    " on refreshes is not distinct from theirs where refreshes.number = {number}"
)
_BRING_REFRESHES = (
    "insert into {table} by name select * from {theirs} where refresh_id in"
    " (select refresh_id from published.meta.refreshes where number > {number})"
)
_REMOVE_DAYS = "delete from {table} where as_of_date in ({days})"
_BRING_DAYS = "insert into {table} by name select * from {theirs} where as_of_date in ({days})"


def open_spare(settings: Settings, published: Baseline) -> tuple[duckdb.DuckDBPyConnection, Baseline] | str:
    """Takes the spare as the working file; returns it with what it was computed from, or says why a copy is needed.

    `published` is what the published file was computed from.
    """
    connection = spare.take(settings)
    if isinstance(connection, str):
        return connection
    try:
        found = _brought_up(connection, settings, published)
    except duckdb.Error as error:
        if warehouse.could_not_write(error):
            _drop(connection, settings)
            raise warehouse.unwritable(warehouse.working_path(settings), error) from error
        found = "the spare file is damaged"
    except BaseException:
        _drop(connection, settings)
        raise
    if isinstance(found, str):
        _drop(connection, settings)
        return found
    return connection, found


def _drop(connection: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    connection.close()
    warehouse.discard_working(settings)


def _brought_up(connection: duckdb.DuckDBPyConnection, settings: Settings, published: Baseline) -> Baseline | str:
    own = run_log.baseline(connection)
    if isinstance(own, str):
        return f"of the spare file, {own}"
    generation = run_log.generation(connection)
    with warehouse.published_beside(connection, settings):
        if generation is None or generation != run_log.generation(connection, "published"):
            return "the warehouse was filled anew, or its past days were, since the spare file was published"
        if own.identities != published.identities:
            return "a table was rewritten, altered or replaced since the spare file was published"
        number = _number(connection)
        if _ask(connection, _SAME_RECORD, number) != [(1,)]:
            return "the spare file is of a refresh that the warehouse does not record"
        _bring_records(connection, number)
        if not _as_many(connection):
            return "the records of the published file were changed by hand"
    return replace(own, last=published)


def _number(connection: duckdb.DuckDBPyConnection) -> int:
    ((number,),) = connection.sql("select max(number) from meta.refreshes").fetchall()
    return int(number)


def _ask(connection: duckdb.DuckDBPyConnection, query: LiteralString, number: int) -> list[tuple[Any, ...]]:
    text = pg_sql.SQL(query).format(number=pg_sql.Literal(number))
    return connection.sql(text.as_string(None)).fetchall()


def _bring_records(connection: duckdb.DuckDBPyConnection, number: int) -> None:
    """Copies the records of the refreshes after `number`, and the boards and funnels of the days they describe.

    Those are the only days that differ: whatever fills other days begins a new generation.
    """
    newer = _ask(connection, _NEWER, number)
    days = sorted({windows.day_described(windows.instant(as_of), zone) for _, as_of, zone in newer})
    of_days = pg_sql.SQL(", ").join(map(pg_sql.Literal, days))
    for table in run_log.OF_REFRESHES:
        _run(connection, _BRING_REFRESHES, table, number=pg_sql.Literal(number))
    if days:
        for table in run_log.OF_DAYS:
            for statement in (_REMOVE_DAYS, _BRING_DAYS):
                _run(connection, statement, table, days=of_days)


def _as_many(connection: duckdb.DuckDBPyConnection) -> bool:
    """Whether every table of records has as many rows as the published one."""
    return all(
        _rows(connection, table) == _rows(connection, f"published.{table}")
        for table in (*run_log.OF_REFRESHES, *run_log.OF_DAYS)
    )


def _rows(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    ((count,),) = connection.table(table).aggregate("count(*)").fetchall()
    return int(count)


def _run(
    connection: duckdb.DuckDBPyConnection, statement: LiteralString, table: str, **values: pg_sql.Composable
) -> None:
    schema, _, name = table.partition(".")
    text = pg_sql.SQL(statement).format(
        table=pg_sql.Identifier(schema, name), theirs=pg_sql.Identifier("published", schema, name), **values
    )
    connection.execute(text.as_string(None))
