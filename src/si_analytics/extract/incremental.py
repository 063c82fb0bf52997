"""Which rows of a table changed since an earlier snapshot, found without timestamps or triggers.

Belongs here: when the changed rows can be told from the rest, the queries that find them, and putting them
into ``raw``. docs/extraction.md holds the proof that none is missed.

Postgres marks every row with the transaction that wrote it. Whatever the earlier snapshot did not see was
written by a transaction that had not ended then: one from the snapshot's xmin on. Those rows are read and
replace the ones of the same key; what was deleted shows in the number of rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, LiteralString
from uuid import UUID

import duckdb
from psycopg import sql as pg_sql

from si_analytics.extract import source
from si_analytics.extract.source import Snapshot, Source
from si_analytics.postgres import relations

_LISTED = 10_000
_LISTED_PLACES = 100_000
# Row marks hold 32 bits of a transaction's number: beyond half of their range old and new look alike.
_FARTHEST = 2**31 - 2**20
_FIRST_NORMAL = 3  # below are marks of rows that are older than any snapshot
_PLAIN_TABLE, _PARTITIONED, _HEAP = "r", "p", "heap"
UNPUBLISHED = "the last refresh was not published here, or the database was restored since"

EVERY_ROW = "raw.every_row"
"""Where all rows of a table are read into, before they take the place of those that were there."""


@dataclass(frozen=True)
class Baseline:
    """What a warehouse holds already: the refresh that read it, its snapshot, and each table's identity then."""

    refresh_id: UUID
    snapshot: Snapshot
    identities: Mapping[str, str]


@dataclass(frozen=True)
class Found:
    """How many rows a table has, how many of them changed, and, unless they are too many to list, where those lie.

    ``totals`` is what else was asked for in the same pass.
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
    """Why changes since `baseline` cannot be told in this database; none where they can."""
    record = held.get((relations.ANALYTICS, relations.REFRESHES))
    if not now.server:
        return "this role may not ask which server it is"
    if now.server != baseline.snapshot.server:
        return "another server or database than last time"
    if now.xmax < baseline.snapshot.xmax or now.xmin < baseline.snapshot.xmin:
        return "the server is behind the last refresh: it was restored, or is a replica that lags"
    if now.xmax - baseline.snapshot.xmin > _FARTHEST:
        return "too many transactions since the last refresh to tell old from new"
    if record is None or not record.readable:
        return "this role may not read analytics.refreshes, which says whether the last refresh was published here"
    # The record was committed after the earlier snapshot was taken: a database that holds it went through both.
    query = pg_sql.SQL("select count(*) from analytics.refreshes where refresh_id = {}::uuid").format(
        pg_sql.Literal(str(baseline.refresh_id))
    )
    ((published,),) = source.ask(connection, query.as_string(None))
    return None if published else UNPUBLISHED


def table_against(one: Source, baseline: Baseline) -> str | None:
    """Why the changes of one table cannot be told; none where they can.

    Of a table with parts each is known by itself: of one that is new, or another than it was, every row is a change.
    """
    if told := _untold(one):
        return told
    if one.table not in baseline.identities:
        return "not read before"
    if one.identity.split()[0] != baseline.identities[one.table].split()[0]:
        return "the table was rewritten, altered or replaced since"
    return None


def _untold(one: Source) -> str | None:
    """Why what stands there does not tell its changes; none where it does."""
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
    one: Source,
    since: Baseline,
    now: Snapshot,
    totals: Mapping[str, pg_sql.Composable] = MappingProxyType({}),
) -> Found:
    """Count a table's rows, and find those that changed, in one pass that Postgres can share among its workers.

    ``totals`` are aggregates to be taken in that pass, by the names of their columns.
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
    connection: duckdb.DuckDBPyConnection, one: Source, found: Found, since: Baseline, now: Snapshot
) -> duckdb.DuckDBPyRelation:
    """The changed rows, each from its place, or from a second pass where they are too many for that."""
    changed, listed = _to_read(one, since, now), pg_sql.Literal(found.places)
    wanted = pg_sql.SQL("{} = any({}::tid[]) and {}").format(_place(one), listed, changed) if found.places else changed
    query = pg_sql.SQL("select {columns} from {relation} where {standing} and {wanted}").format(
        columns=pg_sql.SQL(", ").join(one.selected(flat=True)),
        relation=one.place,
        standing=one.standing,
        wanted=wanted,
    )
    return connection.sql("select * from postgres_query('pg', $text)", params={"text": query.as_string(None)})


def keys(connection: duckdb.DuckDBPyConnection, one: Source, key: str) -> duckdb.DuckDBPyRelation:
    """Every key of a table."""
    query = pg_sql.SQL("select {}::uuid as {} from {} where {}").format(
        pg_sql.Identifier(key), pg_sql.Identifier(key), one.place, one.standing
    )
    return connection.sql("select * from postgres_query('pg', $text)", params={"text": query.as_string(None)})


def apply(
    connection: duckdb.DuckDBPyConnection, table: str, key: str, rows: duckdb.DuckDBPyRelation
) -> tuple[int, int]:
    """Put changed rows in the place of those with their keys; how many were new, how many replaced one."""
    rows.create("raw.changed_rows")
    delete = "delete from raw.{table} where {key} in (select {key} from raw.changed_rows)"
    updated = _count(connection, delete, table, key)
    written = _count(connection, "insert into raw.{table} by name from raw.changed_rows", table, key)
    connection.execute("drop table raw.changed_rows")
    return written - updated, updated


def remove_others(connection: duckdb.DuckDBPyConnection, table: str, key: str, keys: duckdb.DuckDBPyRelation) -> int:
    """Drop the rows whose key is none of `keys`; their number."""
    keys.create("raw.standing_keys")
    delete = "delete from raw.{table} where {key} not in (select {key} from raw.standing_keys)"
    deleted = _count(connection, delete, table, key)
    connection.execute("drop table raw.standing_keys")
    return deleted


def replace_all(
    connection: duckdb.DuckDBPyConnection, table: str, key: str
) -> tuple[int | None, int | None, int | None]:
    """Put every row that was read in the place of a table; how many came, changed and went, none where none can tell.

    That is against the published warehouse where it is attached, for the working file may be empty or half-way. Which
    rows changed would take comparing them all.
    """
    before = _before(connection, table)
    moved = _moved(connection, before, key) if before else (_rows(connection.table(EVERY_ROW)), 0, 0)
    for statement in ("drop table if exists raw.{}", "alter table raw.every_row rename to {}"):
        connection.execute(pg_sql.SQL(statement).format(pg_sql.Identifier(table)).as_string(None))
    return moved


def _before(connection: duckdb.DuckDBPyConnection, table: str) -> str | None:
    """Where the rows of the last refresh are."""
    found = connection.sql(
        "select database_name = 'published' as published from duckdb_tables() where schema_name = 'raw'"
        " and table_name = $table and database_name in ('published', current_database()) order by published desc",
        params={"table": table},
    ).fetchone()
    return None if found is None else f"published.raw.{table}" if found[0] else f"raw.{table}"


def _moved(connection: duckdb.DuckDBPyConnection, before: str, key: str) -> tuple[int | None, int | None, int | None]:
    """How many keys came and went since `before`; none where it has no such keys."""
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
    """Run a statement on a table of ours; the number of rows it touched."""
    named = pg_sql.SQL(statement).format(table=pg_sql.Identifier(table), key=pg_sql.Identifier(key))
    row = connection.execute(named.as_string(None)).fetchone()
    return int(row[0]) if row else 0


def _to_read(one: Source, since: Baseline, now: Snapshot) -> pg_sql.Composable:
    """Whether a row was written by a transaction that had not ended then, or lies in a part that is not known of."""
    if not one.by_part:
        return _changed(one, since.snapshot, now)
    known = set(since.identities[one.table].split()[1:])
    unknown = one.in_parts(part.oid for part in one.base.parts if part.identity not in known)
    return pg_sql.SQL("({} or {})").format(_changed(one, since.snapshot, now), unknown)


def _changed(one: Source, since: Snapshot, now: Snapshot) -> pg_sql.Composable:
    """Whether a row was written by a transaction that had not ended at `since`."""
    version = pg_sql.Identifier("xmin" if one.direct else "row_version")
    if now.xmax - since.xmin > _LISTED:
        oldest = pg_sql.Literal(str(since.xmin % 2**32))
        # The mark of a row that was frozen half the range ago reads as one of a transaction yet to come.
        return pg_sql.SQL("age({mark}) between 0 and age({oldest}::xid)").format(mark=version, oldest=oldest)
    marks = [number % 2**32 for number in range(since.xmin, now.xmax)]
    listed = ",".join(str(mark) for mark in marks if mark >= _FIRST_NORMAL)
    return pg_sql.SQL("{} = any({}::xid[])").format(version, pg_sql.Literal(f"{{{listed}}}"))


def _place(one: Source) -> pg_sql.Identifier:
    return pg_sql.Identifier("ctid" if one.direct else "row_place")
