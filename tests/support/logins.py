"""Roles that log in, and their addresses."""

from __future__ import annotations

import itertools
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql as pg_sql

from si_analytics.settings import Settings

_counter = itertools.count()


def address(settings: Settings) -> str:
    assert settings.postgres_url is not None
    return settings.postgres_url.get_secret_value()


def as_user(url: str, name: str, password: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=f"{name}:{password}@{parts.netloc.rpartition('@')[2]}"))


def login(connection: psycopg.Connection[Any], *memberships: str) -> tuple[str, str]:
    """A new role that may log in, and is a member of these."""
    name = f"login_{next(_counter)}"
    role = pg_sql.Identifier(name)
    connection.execute(pg_sql.SQL("drop role if exists {}").format(role))
    connection.execute(pg_sql.SQL("create role {} login password 'a-word'").format(role))
    for one in memberships:
        connection.execute(pg_sql.SQL("grant {} to {}").format(pg_sql.Identifier(one), role))
    return name, "a-word"
