"""What every generator of SQL shares: names, and how a tree is written."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from sqlglot import expressions as exp

from si_analytics.definitions import trees


def test_every_word_that_the_server_reserves_is_quoted(postgres: psycopg.Connection[Any]) -> None:
    rows = postgres.execute("select word from pg_get_keywords() where catcode in ('R', 'T')").fetchall()
    assert {word for (word,) in rows} <= trees.RESERVED


@pytest.mark.parametrize(
    "name", ["rank", "Größe", "Order", "select", "a b", 'with " in it', "ß", "2nd", "name", "time"]
)
def test_any_name_reaches_the_server_as_it_is(name: str, postgres: psycopg.Connection[Any]) -> None:
    query = trees.written(exp.select(exp.alias_(exp.Literal.number(1), trees.identifier(name))))
    cursor = postgres.execute(query)  # type: ignore[arg-type]
    assert [column.name for column in cursor.description or ()] == [name]


def test_only_words_of_the_language_are_put_in_lower_case() -> None:
    found = exp.select(trees.column("Total")).from_(trees.relation("deals"))
    found = found.where(trees.column("status").eq(exp.Literal.string("It's DONE; -- no")))
    assert trees.written(found) == ("""select\n  "Total"\nfrom deals\nwhere\n  status = 'It''s DONE; -- no'\n""")
