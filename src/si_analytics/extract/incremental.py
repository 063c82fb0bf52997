"""Finds the rows of a table that changed since an earlier snapshot, without timestamps or triggers.

Belongs here: deciding whether changed rows can be found, the queries that find them, and writing them to ``raw``.
docs/extraction.md proves that none is missed.

Postgres marks every row with the transaction that wrote it. The earlier snapshot saw every row except those of
transactions still open then: the ones from the snapshot's xmin on. We read the rows they wrote and replace
the rows with the same key; a lower number of rows reveals deletions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any, LiteralString
from uuid import UUID

import duckdb
from psycopg import sql as pg_sql

from si_analytics.extract import source
from si_analytics.extract.source import ReadTable, Snapshot
from si_analytics.postgres import relations, row_marks
from si_analytics.warehouse import changes

_LISTED_PLACES = 100_000
_PLAIN_TABLE, _PARTITIONED, _HEAP = "r", "p", "heap"
UNPUBLISHED = "the last refresh was not published here, or the database was restored since"

EVERY_ROW = "raw.every_row"
"""The table that receives all rows of a table before they replace the rows of the last refresh."""


SINCE_LAST = "since_last"
"""The column of changed rows that tells those of the last refresh from those changed since; see `Baseline.last`."""


@dataclass(frozen=True)
class Baseline:
    """What a file already holds: the refresh that filled it, its snapshot, and each table's identity then.

    ``reconciled`` says of each table as of when all of its rows were last compared with Postgres. ``last`` is what the
    published warehouse holds, if the file is of an earlier refresh.
    """

    refresh_id: UUID
    snapshot: Snapshot
    identities: Mapping[str, str]
    reconciled: Mapping[str, datetime] = field(default_factory=dict)
    last: Baseline | None = None


@dataclass(frozen=True)
class Found:
    """How many rows a table has, how many changed, and their places (None if too many to list).

    ``totals`` holds the aggregates that the same pass computed.
    """

    rows: int
    changed: int
    places: str | None
    totals: tuple[Any, ...] = ()


def against(
    connection: duckdb.DuckDBPyConnection,
    held: Mapping[tuple[str, str], relations.Relation],
    now: Snapshot,
    baseline: Baseline,
) -> str | None:
    """Returns why this database cannot tell the changes since `baseline`; None if it can."""
    record = held.get((relations.ANALYTICS, relations.REFRESHES))
    if not now.server:
        return "this role may not ask which server it is"
    if now.server != baseline.snapshot.server:
        return "another server or database than last time"
    if told := row_marks.against(baseline.snapshot, now):
        return told
    if record is None or not record.readable:
        return "this role may not read analytics.refreshes, which says whether the last refresh was published here"
    # The record was committed after the earlier snapshot, so a database that holds it contains that snapshot too.
    query = pg_sql.SQL("select count(*) from analytics.refreshes where refresh_id = {}::uuid").format(
        pg_sql.Literal(str(baseline.refresh_id))
    )
    ((published,),) = source.ask(connection, query.as_string(None))
    return None if published else UNPUBLISHED


def table_against(one: ReadTable, baseline: Baseline) -> str | None:
    """Returns why the changes of one table cannot be found; None if they can.

    In a table with parts, every row of a part that is new or was replaced counts as changed.
    """
    if told := _untold(one):
        return told
    if one.table not in baseline.identities:
        return "not read before"
    if one.identity.split()[0] != baseline.identities[one.table].split()[0]:
        return "the table was rewritten, altered or replaced since"
    return None


def _untold(one: ReadTable) -> str | None:
    """Returns why a relation of this kind does not reveal its changes; None if it does."""
    if one.base.kind in relations.VIEWS:
        return "a view, which does not tell what changed"
    if one.base.parts and not one.direct:
        return "the view it is read through does not tell its parts"
    if one.base.parts and not one.by_part:
        return "this role may not ask which part a row lies in: si schema roles"
    stored = one.base.parts or (() if one.base.kind == _PARTITIONED else (one.base,))
    if any(part.kind != _PLAIN_TABLE or part.access_method != _HEAP for part in stored):
        return "not a plain table"
    return None


def look(
    connection: duckdb.DuckDBPyConnection,
    one: ReadTable,
    since: Baseline,
    now: Snapshot,
    totals: Mapping[str, pg_sql.Composable] = MappingProxyType({}),
) -> Found:
    """Counts a table's rows and finds the changed ones, in one pass that Postgres can run in parallel.

    ``totals`` maps column names to aggregates that the same pass computes.
    """
    asked = [pg_sql.SQL("{} as {}").format(total, pg_sql.Identifier(name)) for name, total in totals.items()]
    query = pg_sql.SQL(
        "select all_rows, coalesce(cardinality(places), 0) as changed,"
        " case when cardinality(places) <= {most} then places::text end as places {named}"
        " from (select count(*) as all_rows, array_agg({place}) filter (where {changed}) as places {asked}"
        " from {relation} where {standing}) as counted"
    ).format(
        most=pg_sql.Literal(_LISTED_PLACES),
        named=pg_sql.SQL("").join(pg_sql.SQL(", {}").format(pg_sql.Identifier(name)) for name in totals),
        asked=pg_sql.SQL("").join(pg_sql.SQL(", {}").format(total) for total in asked),
        changed=_to_read(one, since, now),
        place=_place(one),
        relation=one.place,
        standing=one.standing,
    )
    ((rows, changed, places, *found),) = source.ask(connection, query.as_string(None))
    return Found(rows, changed, places, tuple(found))


def fetch(
    connection: duckdb.DuckDBPyConnection, one: ReadTable, found: Found, since: Baseline, now: Snapshot
) -> duckdb.DuckDBPyRelation:
    """Returns the changed rows: by their places if `found` lists them, else by a second pass.

    If the file is of an earlier refresh, the column `SINCE_LAST` says which rows changed since the last one.
    """
    changed, listed = _to_read(one, since, now), pg_sql.Literal(found.places)
    wanted = pg_sql.SQL("{} = any({}::tid[]) and {}").format(_place(one), listed, changed) if found.places else changed
    columns = one.selected(flat=True)
    if since.last is not None:
        recent = _to_read(one, since.last, now)
        columns.append(pg_sql.SQL("{} as {}").format(recent, pg_sql.Identifier(SINCE_LAST)))
    query = pg_sql.SQL("select {columns} from {relation} where {standing} and {wanted}").format(
        columns=pg_sql.SQL(", ").join(columns),
        relation=one.place,
        standing=one.standing,
        wanted=wanted,
    )
    return connection.sql("select * from postgres_query('pg', $text)", params={"text": query.as_string(None)})


def keys(connection: duckdb.DuckDBPyConnection, one: ReadTable, key: str) -> duckdb.DuckDBPyRelation:
    """Returns every key of a table."""
    query = pg_sql.SQL("select {}::uuid as {} from {} where {}").format(
        pg_sql.Identifier(key), pg_sql.Identifier(key), one.place, one.standing
    )
    return connection.sql("select * from postgres_query('pg', $text)", params={"text": query.as_string(None)})


def apply(
    connection: duckdb.DuckDBPyConnection, table: str, key: str, rows: duckdb.DuckDBPyRelation
) -> tuple[int, int]:
    """Replaces the rows of the same keys by the changed rows. Returns how many were new and how many replaced one."""
    rows.create("raw.changed_rows")
    changes.keep_replaced(connection, table, key, "raw.changed_rows")
    delete = "delete from raw.{table} where {key} in (select {key} from raw.changed_rows)"
    updated = _count(connection, delete, table, key)
    written = _count(connection, "insert into raw.{table} by name from raw.changed_rows", table, key)
    connection.execute("drop table raw.changed_rows")
    return written - updated, updated


def remove_others(connection: duckdb.DuckDBPyConnection, table: str, key: str, keys: duckdb.DuckDBPyRelation) -> int:
    """Deletes the rows whose key is not in `keys`; returns how many."""
    keys.create("raw.standing_keys")
    changes.keep_removed(connection, table, key, "raw.standing_keys")
    delete = "delete from raw.{table} where {key} not in (select {key} from raw.standing_keys)"
    deleted = _count(connection, delete, table, key)
    connection.execute("drop table raw.standing_keys")
    return deleted


def remove(connection: duckdb.DuckDBPyConnection, table: str, key: str, keys: duckdb.DuckDBPyRelation) -> int:
    """Deletes the rows whose key is in `keys`; returns how many."""
    keys.create("raw.gone_keys")
    changes.keep_gone(connection, table, key, "raw.gone_keys")
    deleted = _count(connection, "delete from raw.{table} where {key} in (select {key} from raw.gone_keys)", table, key)
    connection.execute("drop table raw.gone_keys")
    return deleted


def replace_all(
    connection: duckdb.DuckDBPyConnection, table: str, key: str
) -> tuple[int | None, int | None, int | None]:
    """Replaces a table by every row that was read. Returns how many rows are new, updated and gone; None if unknown.

    Counts against the published warehouse if it is attached, for the working file may be empty or unfinished. The
    updated rows are always None if the table was there before: counting them would take comparing all rows.
    """
    changes.compare(connection, table, EVERY_ROW)
    before = _before(connection, table)
    moved = _moved(connection, before, key) if before else (_rows(connection.table(EVERY_ROW)), 0, 0)
    for statement in ("drop table if exists raw.{}", "alter table raw.every_row rename to {}"):
        connection.execute(pg_sql.SQL(statement).format(pg_sql.Identifier(table)).as_string(None))
    return moved


def _before(connection: duckdb.DuckDBPyConnection, table: str) -> str | None:
    """Returns the table that holds the rows of the last refresh; None if there is none."""
    found = connection.sql(
        "select database_name = 'published' as published from duckdb_tables() where schema_name = 'raw'"
        " and table_name = $table and database_name in ('published', current_database()) order by published desc",
        params={"table": table},
    ).fetchone()
    return None if found is None else f"published.raw.{table}" if found[0] else f"raw.{table}"


def _moved(connection: duckdb.DuckDBPyConnection, before: str, key: str) -> tuple[int | None, int | None, int | None]:
    """Returns how many keys came, None for updates, and how many went since `before`; all None without such keys."""
    old, new = connection.table(before), connection.table(EVERY_ROW)
    kinds = [dict(zip(one.columns, one.types, strict=True)).get(key) for one in (old, new)]
    if kinds[0] != kinds[1]:
        return None, None, None
    keys = duckdb.ColumnExpression(key)
    stayed = _rows(new.select(keys).join(old.select(keys), key, how="semi"))
    return _rows(new) - stayed, None, _rows(old) - stayed


def _rows(relation: duckdb.DuckDBPyRelation) -> int:
    ((count,),) = relation.aggregate("count(*)").fetchall()
    return int(count)


def _count(connection: duckdb.DuckDBPyConnection, statement: LiteralString, table: str, key: str) -> int:
    """Runs a statement on one of our tables; returns the number of rows it touched."""
    named = pg_sql.SQL(statement).format(table=pg_sql.Identifier(table), key=pg_sql.Identifier(key))
    row = connection.execute(named.as_string(None)).fetchone()
    return int(row[0]) if row else 0


def _to_read(one: ReadTable, since: Baseline, now: Snapshot) -> pg_sql.Composable:
    """Returns the condition for a row written by a transaction open at `since`, or lying in a part not known then."""
    if not one.by_part:
        return _changed(one, since.snapshot, now)
    known = set(since.identities[one.table].split()[1:])
    unknown = one.in_parts(part.oid for part in one.base.parts if part.identity not in known)
    return pg_sql.SQL("({} or {})").format(_changed(one, since.snapshot, now), unknown)


def _changed(one: ReadTable, since: Snapshot, now: Snapshot) -> pg_sql.Composable:
    """Returns the condition for a row written by a transaction that was still open at `since`."""
    return row_marks.changed(pg_sql.Identifier("xmin" if one.direct else "row_version"), since, now)


def _place(one: ReadTable) -> pg_sql.Identifier:
    return pg_sql.Identifier("ctid" if one.direct else "row_place")
