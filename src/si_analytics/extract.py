"""From Postgres into the warehouse: the listed columns of the listed tables, as of one snapshot.

Belongs here: reading ``sql/extract`` into ``raw`` and reconciling what was read with what is there.
May import: `errors`, `sql`, `postgres`, `warehouse`, `schema`.

DuckDB's Postgres extension keeps one REPEATABLE READ transaction in Postgres for each of its own, so
all that happens between `snapshot` and the end of it sees the same moment, bookkeeping included.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

import duckdb

from si_analytics import postgres, schema, sql, warehouse
from si_analytics.errors import ExtractError, ServerError
from si_analytics.settings import Settings

_MODE = "full"


@dataclass(frozen=True)
class Snapshot:
    """The moment an extraction describes: Postgres's name for it, and Postgres's clock then."""

    id: str
    taken_at: datetime


@dataclass(frozen=True)
class TableExtract:
    """What was read of one table. ``money`` is the sum of its amounts, none where it holds no money."""

    table: str
    rows: int
    inserted: int
    updated: int
    deleted: int
    mode: str
    reason: str
    seconds: float
    money: Decimal | None


def tables() -> tuple[str, ...]:
    """The operational tables that are read, by name."""
    return sql.names("extract")


@contextmanager
def snapshot(connection: duckdb.DuckDBPyConnection, settings: Settings) -> Iterator[Snapshot]:
    """Attach Postgres and hold one snapshot of it for the length of the block.

    Raises SchemaError where tables are missing, ServerError where the server cannot be reached.
    """
    schema.require(settings)
    warehouse.attach_postgres(connection, postgres.url(settings))
    connection.begin()
    try:
        row = connection.sql(
            "select * from postgres_query('pg', 'select pg_current_snapshot()::text, statement_timestamp()')"
        ).fetchone()
        if row is None:
            raise ExtractError("taking the snapshot", "Postgres returned nothing", "Try again")
        yield Snapshot(row[0], row[1].astimezone(UTC))
        connection.commit()
    except duckdb.Error as error:
        connection.rollback()
        raise _readable(error) from error
    except BaseException:
        connection.rollback()
        raise
    finally:
        connection.execute("detach database if exists pg")


def read(
    connection: duckdb.DuckDBPyConnection, done: Callable[[TableExtract], None] | None = None
) -> list[TableExtract]:
    """Fill ``raw`` from the snapshot held, table by table; `done` hears of each."""
    results = []
    for file in sql.read_all("extract"):
        started = time.perf_counter()
        relation = connection.sql(file.text)
        _refuse_inexact(file, relation)
        relation.create(f"raw.{file.name}")
        rows, money = _reconcile(connection, file)
        seconds = time.perf_counter() - started
        result = TableExtract(file.name, rows, rows, 0, 0, _MODE, "every refresh reads all rows", seconds, money)
        results.append(result)
        if done:
            done(result)
    return results


def _refuse_inexact(file: sql.SqlFile, relation: duckdb.DuckDBPyRelation) -> None:
    """A NUMERIC without precision arrives as binary floating point, silently: refuse it."""
    for name, kind in zip(relation.columns, relation.types, strict=True):
        if str(kind) in {"DOUBLE", "FLOAT"}:
            raise ExtractError(
                f"reading {file.name}.{name}",
                "its type in Postgres has no fixed precision, so amounts would not be exact",
                "Give the column its declared type; `si schema diff` shows it",
            )


def _reconcile(connection: duckdb.DuckDBPyConnection, file: sql.SqlFile) -> tuple[int, Decimal | None]:
    """Count, key checksum and money sum of both sides within the snapshot; raises where they differ.

    The extension reads a NaN amount as zero, so the sum taken by Postgres is what finds it.
    """
    money = file.fields.get("Money")
    there, here = _both_sides(connection, file.name, file.fields["Key"], money)
    if money and there[2] == "NaN":
        raise ExtractError(
            f"reading {file.name}.{money}",
            f"it is not a number in {_not_numbers(connection, file.name, file.fields['Key'], money)}",
            "Correct those rows; nothing was published",
        )
    if there != here:
        raise ExtractError(
            f"reading {file.name}",
            f"Postgres has (rows, key checksum, sum) {there}, what arrived has {here}",
            "Nothing was published; run the refresh again and report it if it stays",
        )
    return int(here[0]), None if here[2] is None else Decimal(here[2])


def _both_sides(
    connection: duckdb.DuckDBPyConnection, table: str, key: str, money: str | None
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    from psycopg import sql as pg_sql

    # Twelve hex digits of each key, summed: the order does not matter, a swapped or missing key shows.
    remote = pg_sql.SQL(
        "select count(*)::text as rows,"
        " coalesce(sum(('x' || right({key}::text, 12))::bit(48)::bigint), 0)::text as keys,"
        " {money} as money from public.{table}"
    ).format(
        key=pg_sql.Identifier(key),
        money=pg_sql.SQL("coalesce(sum({}), 0)::text").format(pg_sql.Identifier(money))
        if money
        else pg_sql.SQL("null::text"),
        table=pg_sql.Identifier(table),
    )
    there = connection.sql("select * from postgres_query('pg', $text)", params={"text": remote.as_string(None)})
    raw = connection.table(f"raw.{table}")
    digits = f"cast(concat('0x', right(cast(\"{key}\" as varchar), 12)) as bigint)"
    total = f'cast(coalesce(sum("{money}"), 0) as varchar)' if money else "cast(null as varchar)"
    here = raw.aggregate(f"cast(count(*) as varchar), cast(coalesce(sum({digits}), 0) as varchar), {total}")
    first, second = there.fetchone(), here.fetchone()
    if first is None or second is None:
        raise ExtractError(f"counting {table}", "no answer came", "Try again")
    if money:
        first, second = _same_scale(first), _same_scale(second)
    return tuple(first), tuple(second)


def _same_scale(row: tuple[str, ...]) -> tuple[str, ...]:
    value = Decimal(row[2])
    return (row[0], row[1], "NaN" if value.is_nan() else str(value.quantize(Decimal("0.01"))))


def _not_numbers(connection: duckdb.DuckDBPyConnection, table: str, key: str, money: str) -> str:
    from psycopg import sql as pg_sql

    query = pg_sql.SQL("select {key}::text from public.{table} where {money} = 'NaN' order by 1 limit 10").format(
        key=pg_sql.Identifier(key), table=pg_sql.Identifier(table), money=pg_sql.Identifier(money)
    )
    found = connection.sql("select * from postgres_query('pg', $text)", params={"text": query.as_string(None)})
    return ", ".join(row[0] for row in found.fetchall())


def _readable(error: duckdb.Error) -> Exception:
    text = " ".join(str(error).split())
    if any(sign in text for sign in ("server closed the connection", "terminating connection", "Failed to connect")):
        return ServerError("reading from Postgres", "the connection was lost", "Nothing was published; try again")
    return ExtractError("reading from Postgres", text[:300], "Nothing was published; `si schema diff` may tell more")
