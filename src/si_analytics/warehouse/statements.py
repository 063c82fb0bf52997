"""Statements on tables whose names are known only when they run: they are quoted."""

from __future__ import annotations

from typing import LiteralString

import duckdb
from psycopg import sql as pg_sql

Name = str | pg_sql.Composable


def run(connection: duckdb.DuckDBPyConnection, statement: LiteralString, **names: Name) -> duckdb.DuckDBPyConnection:
    """Run a statement; each name in braces becomes a column, or a table with its schema: ``facts.deals``."""
    return connection.execute(text(statement, **names))


def text(statement: LiteralString, **names: Name) -> str:
    """A statement with the names put into it."""
    found = {one: _named(name) for one, name in names.items()}
    return pg_sql.SQL(statement).format(**found).as_string(None)


def query(written: str) -> pg_sql.SQL:
    """A query of our own files, or made from them, as a part of a statement."""
    return pg_sql.SQL(written)


def _named(name: Name) -> pg_sql.Composable:
    return pg_sql.Identifier(*name.split(".")) if isinstance(name, str) else name
