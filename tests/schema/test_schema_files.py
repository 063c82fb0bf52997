"""The SQL files of the schema: what their headers say is what they do, and each runs on its own."""

from __future__ import annotations

import re
from collections.abc import Callable

import psycopg
import pytest

from si_analytics import schema
from si_analytics.definitions import Script
from si_analytics.definitions import ddl as declarations
from si_analytics.schema import ddl
from si_analytics.settings import Settings

SCRIPTS = ddl.scripts()


def created(script: Script, kind: str) -> list[str]:
    return [statement.name for statement in declarations.statements(script.text) if statement.kind == kind]


def test_sections_are_the_eight_of_the_schema_document_in_an_order_that_builds() -> None:
    assert [section.name for section in schema.sections()] == [
        "users_and_authentication",
        "gigs_and_deals",
        "messaging",
        "payments_and_transactions",
        "agent_system",
        "rewards_and_gamification",
        "wallet_and_crypto",
        "analytics_and_tracking",
    ]


def test_the_names_of_sections_are_names_of_assets() -> None:
    assert all(re.fullmatch(r"[a-z_]+", section.name) for section in schema.sections())


def test_a_section_lists_the_tables_its_file_creates() -> None:
    for section in schema.sections():
        assert list(section.tables) == created(section.script, "table")


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.name)
def test_a_script_lists_what_it_creates_and_what_it_reads(script: Script) -> None:
    code = re.sub(r"--[^\n]*", "", script.text)
    tables = created(script, "table")
    read = set(re.findall(r"\b(?:references|from|join|update on|index if not exists \w+\s+on) (\w[\w.]*)", code))
    if "create publication" in code:
        read = set(re.findall(r"\w+", code.split("for table")[1].split(";")[0]))
    mine = {*tables, *created(script, "materialized view")} | set(re.findall(r"(\w+) as \(", code))
    assert list(script.tables) == tables
    assert set(script.inputs) == read - mine - {"pg_publication"}


def test_every_file_runs_on_its_own_in_a_session_of_its_own_and_twice(
    create_database: Callable[..., str], make_settings: Callable[..., Settings]
) -> None:
    """As psql would run them: one session per file, nothing set beforehand; the result is the whole schema."""
    url = create_database()
    for _ in range(2):
        for script in SCRIPTS:
            with psycopg.connect(url) as connection:
                connection.execute(script.text)  # type: ignore[arg-type]
    assert schema.diff(make_settings(url)) == []
