"""Servers that are set up oddly: the same numbers, or one clear sentence."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest
from psycopg import sql

from si_analytics import refresh, sample, schema
from si_analytics.errors import AnalyticsError
from si_analytics.query import warehouse
from si_analytics.settings import Settings
from tests.support.commands import AS_OF

ODD = f"shop \"x\" 'y' %s; -- ü {os.getpid()}"
"""A name of a database and of a role that must be quoted wherever it is written."""

SETTINGS = {
    "TimeZone": "Asia/Kolkata",
    "DateStyle": "SQL, DMY",
    "IntervalStyle": "sql_standard",
    "lc_monetary": "C",
    "standard_conforming_strings": "off",
    "client_encoding": "LATIN1",
    "bytea_output": "escape",
    "extra_float_digits": "-15",
    "search_path": "pg_temp, public",
    "default_transaction_isolation": "serializable",
}


def using(url: str, home: Path) -> Settings:
    return Settings(_env_file=None, postgres_url=url, home=home, warehouse=home / "warehouse.duckdb")  # type: ignore[call-arg, arg-type]


def board(current: Settings) -> list[tuple[object, ...]]:
    schema.apply(current)
    sample.generate(current, scale=0.02)
    refresh.run(current, as_of=datetime.fromisoformat(AS_OF))
    with warehouse.connect(current) as opened:
        return [*opened.agent_leaderboard().rows(), *opened.metric("marketplace_monthly").rows()]


@pytest.fixture
def odd(create_database: Callable[..., str]) -> Iterator[str]:
    """The address of a database of that name, of a role of that name, with all of those settings."""
    plain = create_database()
    named = sql.Identifier(ODD)
    with psycopg.connect(plain, autocommit=True) as connection:
        connection.execute(sql.SQL("create role {} login").format(named))
        connection.execute(sql.SQL("create database {} owner {}").format(named, named))
        for name, value in SETTINGS.items():
            statement = sql.SQL("alter role {} set {} = {}") if name != "search_path" else None
            path = sql.SQL("alter role {} set search_path = pg_temp, public").format(named)
            connection.execute(statement.format(named, sql.Identifier(name), sql.Literal(value)) if statement else path)
        user, database = connection.info.user, connection.info.dbname
        url = plain.replace(f"{user}@", f"{quote(ODD, safe='')}@", 1).replace(f"/{database}", f"/{quote(ODD, safe='')}")
        yield url
        connection.execute(sql.SQL("drop database {} with (force)").format(named))
        connection.execute(sql.SQL("drop role {}").format(named))


def test_names_that_need_quotes_and_settings_of_a_role_s_own_change_no_number(
    odd: str, create_database: Callable[..., str], tmp_path: Path
) -> None:
    there, here = using(odd, tmp_path / "odd"), using(create_database(), tmp_path / "plain")
    assert board(there) == board(here)
    assert refresh.run(there, as_of=datetime.fromisoformat(AS_OF)).rows_written == 0


def test_a_database_in_sql_ascii_is_refused_in_one_sentence(ascii_database: str, tmp_path: Path) -> None:
    for act in (schema.apply, refresh.run):
        with pytest.raises(AnalyticsError, match="SQL_ASCII") as caught:
            act(using(ascii_database, tmp_path))
        assert "UTF8" in caught.value.remedy
        assert "\n" not in str(caught.value)
