"""Extraction alone, again and again, into one warehouse in memory.

Belongs here: a refresh's reading without its computing and publishing, and what Postgres itself says the raw
tables should hold.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import duckdb
import psycopg
from psycopg import sql as pg_sql

from si_analytics import extract
from si_analytics.definitions import contract, project
from si_analytics.extract import TableExtract
from si_analytics.extract.incremental import Baseline
from si_analytics.settings import Settings

Rows = dict[Any, tuple[Any, ...]]


def key_of(table: str) -> str:
    return project().sources[table].key


def names_of(table: str) -> list[str]:
    return [column.name for column in contract.columns(table)]


def address(settings: Settings) -> str:
    assert settings.postgres_url is not None
    return settings.postgres_url.get_secret_value()


def connect(settings: Settings) -> psycopg.Connection:
    """A connection in UTC that commits each statement, and waits for no lock longer than a moment."""
    options = "-c TimeZone=UTC -c lock_timeout=5s"
    return psycopg.connect(address(settings), autocommit=True, options=options)


def standing(postgres: psycopg.Connection, table: str) -> Rows:
    """The rows of a table as Postgres holds them, the extracted columns only, by key; of some a digest."""
    digests = project().sources[table].digests
    columns = [
        pg_sql.SQL("md5({})" if name in digests else "{}").format(pg_sql.Identifier(name)) for name in names_of(table)
    ]
    query = pg_sql.SQL("select {} from public.{}").format(pg_sql.SQL(", ").join(columns), pg_sql.Identifier(table))
    return _by_key(table, postgres.execute(query).fetchall())


def versions(postgres: psycopg.Connection, table: str) -> dict[Any, tuple[str, str]]:
    """Which transaction wrote each row, and where it lies, by key."""
    query = pg_sql.SQL("select {}, xmin::text, ctid::text from public.{}").format(
        pg_sql.Identifier(key_of(table)), pg_sql.Identifier(table)
    )
    return {key: (mark, place) for key, mark, place in postgres.execute(query)}


def moment(reading: Extraction) -> datetime:
    """When the snapshot was taken that was read last."""
    assert reading.baseline is not None
    return reading.baseline.snapshot.taken_at


def _by_key(table: str, rows: list[tuple[Any, ...]]) -> Rows:
    place = names_of(table).index(key_of(table))
    found = {row[place]: row for row in rows}
    assert len(found) == len(rows), f"{table} holds a key twice"
    return found


@dataclass
class Extraction:
    """A warehouse in memory that is brought from snapshot to snapshot, for some tables or all."""

    settings: Settings
    connection: duckdb.DuckDBPyConnection
    postgres: psycopg.Connection
    tables: tuple[str, ...]
    baseline: Baseline | None = None
    reason: str | None = None

    def refresh(
        self, done: Callable[[TableExtract], None] | None = None, *, dies: bool = False
    ) -> dict[str, TableExtract]:
        """One snapshot read; recorded in Postgres as a refresh records it when it publishes.

        One that `dies` has replaced the warehouse, and not let the server forget its log.
        """
        with extract.snapshot(self.connection, self.settings) as whole:
            reading = replace(whole, sources={name: whole.sources[name] for name in self.tables})
            self.reason = (
                extract.against(self.connection, reading, self.baseline, self.settings)
                if self.baseline
                else "the first"
            )
            since = self.baseline if self.reason is None else None
            reading = extract.ask_log(self.connection, reading, since, self.settings)
            results = extract.read(self.connection, reading, since, self.reason or "", done)
        refresh_id = uuid.uuid4()
        self.postgres.execute("insert into analytics.refreshes (refresh_id) values (%s)", [refresh_id])
        identities = {one.table: one.identity for one in results}
        reconciled = {one.table: one.reconciled_at for one in results if one.reconciled_at}
        self.baseline = Baseline(refresh_id, reading.snapshot, identities, reconciled)
        if reading.snapshot.log and not dies:
            assert extract.advance(self.settings, reading.snapshot.log) is None
        return {one.table: one for one in results}

    def held(self, table: str) -> Rows:
        """The rows of a raw table, by key."""
        columns = [duckdb.ColumnExpression(name) for name in names_of(table)]
        return _by_key(table, self.connection.table(f"raw.{table}").select(*columns).fetchall())

    def assert_equal(self) -> None:
        """Every raw table holds what Postgres holds, row for row."""
        for table in self.tables:
            assert self.held(table) == standing(self.postgres, table), table


@contextmanager
def extraction(settings: Settings, *tables: str) -> Iterator[Extraction]:
    """An extraction of these tables, or of all; nothing was read yet."""
    with duckdb.connect(config={"autoinstall_known_extensions": False}) as connection, connect(settings) as postgres:
        connection.execute("set global TimeZone = 'UTC'")
        connection.execute("create schema raw")
        yield Extraction(settings, connection, postgres, tables or extract.tables())


def duck(settings: Settings) -> duckdb.DuckDBPyConnection:
    """The published file, as DuckDB opens it."""
    connection = duckdb.connect(str(settings.warehouse), read_only=True)
    connection.execute("set global TimeZone = 'UTC'")
    return connection
