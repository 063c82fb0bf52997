"""The tables as the files declare them, read without a database."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from si_analytics import schema
from si_analytics.definitions import files
from si_analytics.schema import declared

TARGETS = [file.fields["Target"] for file in files.read_all("publish")]


@pytest.mark.parametrize("space", ["public", "analytics"])
def test_every_declared_column_is_the_one_that_a_database_has(postgres: psycopg.Connection[Any], space: str) -> None:
    found = postgres.execute(
        "select table_name, column_name, is_nullable = 'NO' from information_schema.columns"
        " where table_schema = %s order by table_name, ordinal_position",
        [space],
    ).fetchall()
    tables = (
        schema.tables() if space == "public" else [t.partition(".")[2] for t in TARGETS if t.startswith("analytics")]
    )
    named = {table: table if space == "public" else f"{space}.{table}" for table in tables}
    said = [
        (table, column.name, column.required) for table in sorted(tables) for column in declared.columns(named[table])
    ]
    assert said == [row for row in found if row[0] in named]


def test_what_may_stand_in_a_column_is_said_in_words() -> None:
    columns = {column.name: column for column in declared.columns("invites")}
    assert columns["method"].one_of == ("sms", "email", "both")
    assert columns["agent_id"].facts == "names a row of users, never empty"
    assert columns["opened_at"].facts == ""
    assert declared.remark("deals").startswith("Confirmed collaborations between")
    assert all(declared.remark(table) for table in schema.tables())
