"""Changes to a database that a test makes by hand."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg import sql as pg_sql

from si_analytics.settings import Settings


def altered(postgres: psycopg.Connection, *statements: str) -> None:
    """Run statements on the tables, after taking away the views that hold their columns."""
    views = "select format('drop view if exists %I.%I cascade', schemaname, viewname) from pg_views where schemaname in"
    for (statement,) in postgres.execute(views + " ('public', 'analytics')").fetchall():
        postgres.execute(statement)
    for one in statements:
        postgres.execute(pg_sql.SQL(one))  # type: ignore[arg-type]


def opened(settings: Settings) -> psycopg.Connection[Any]:
    assert settings.postgres_url is not None
    return psycopg.connect(settings.postgres_url.get_secret_value(), autocommit=True)


def value(connection: psycopg.Connection[Any], query: str) -> Any:
    row = connection.execute(query).fetchone()
    assert row is not None
    return row[0]


def add_user(connection: psycopg.Connection[Any], email: str = "a@b.c", role: str = "influencer") -> Any:
    query = "insert into users (email, password_hash, name, role) values (%s, 'x', 'A', %s) returning id"
    row = connection.execute(query, [email, role]).fetchone()
    assert row is not None
    return row[0]
