"""The statements that publish a target follow from its declaration."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql as pg_sql

from si_analytics.definitions.owners import Owner
from si_analytics.definitions.targets import Target
from si_analytics.publish import statements
from tests.support.declared_targets import target

GENERATED = Path(__file__).parents[1] / "fixtures" / "generated"

TYPES = {
    **{"on_day": "date", "verified": "boolean", "deals": "integer", "earned": "numeric"},
    **{"seen_at": "timestamp with time zone", "called": "text", "tags": "text[]", "share": "double precision"},
    **{"parts": "jsonb", "order": "bigint", "Größe": "smallint", "percent %": "numeric"},
}
FILLED = ("2026-02-28", "true", "3", "10.50", "2026-01-01 00:00:00.000001+00", "", "{a,NULL,b}", "0.1")
FILLED += ('{"a": 1}', "9223372036854775807", "-1", "99.9")
OTHERS = ("0001-01-01 BC", "false", "-3", "10.51", "infinity", "null", "{}", "NaN", "[]", "0", "1", "0")


@pytest.mark.parametrize("name", ["agent_profiles", "agent_leaderboard", "brand_reputations"])
def test_what_is_generated_reads_like_the_golden_file(name: str) -> None:
    declared = target(name)
    printed = f"{statements.compare(declared).strip()};\n\n{statements.write(declared).strip()};\n"
    assert printed == (GENERATED / f"{name}.sql").read_text(encoding="utf-8")


def test_tables_are_those_of_the_schema_that_the_application_uses() -> None:
    moved = target("brand_reputations").within("Shop")
    for text in (statements.compare(moved), statements.write(moved)):
        assert "public." not in text
        assert '"Shop".users' in text
    assert '"Shop"' not in statements.write(target("agent_leaderboard").within("Shop"))


def _staged(postgres: psycopg.Connection[Any], of: Target, rows: Sequence[Sequence[Any]], kinds: Sequence[str]) -> None:
    """Rows as staging leaves them, the last value of each saying whether the metric has it no longer."""
    columns = pg_sql.SQL(", ").join(
        pg_sql.SQL("{} {}").format(pg_sql.Identifier(name), pg_sql.SQL(kind))  # type: ignore[arg-type]
        for name, kind in zip((*of.names, "is_gone"), (*kinds, "boolean"), strict=True)
    )
    postgres.execute(pg_sql.SQL("create temporary table {} ({})").format(of.staging, columns))
    places = pg_sql.SQL(", ").join(pg_sql.Placeholder() * (len(of.names) + 1))
    for row in rows:
        postgres.execute(pg_sql.SQL("insert into {} values ({})").format(of.staging, places), row)


def _published(postgres: psycopg.Connection[Any], of: Target) -> tuple[dict[str, int], tuple[int, ...]]:
    """How often each action is found, and the rows that were inserted, updated, deleted and skipped."""
    query = pg_sql.SQL("create temporary table {} as select compared.*, 0 as part from ({}) as compared")
    postgres.execute(query.format(of.changes, pg_sql.SQL(statements.compare(of))))  # type: ignore[arg-type]
    actions = postgres.execute(pg_sql.SQL("select action, count(*) from {} group by action").format(of.changes))
    found = dict(actions.fetchall())
    ((*counts,),) = postgres.execute(statements.write(of), {"part": 0}).fetchall()  # type: ignore[arg-type]
    postgres.execute(pg_sql.SQL("drop table {}, {}").format(of.staging, of.changes))
    return found, tuple(counts)


def _table(postgres: psycopg.Connection[Any], of: Target) -> None:
    columns = pg_sql.SQL(", ").join(
        pg_sql.SQL("{} {}").format(pg_sql.Identifier(name), pg_sql.SQL(kind))  # type: ignore[arg-type]
        for name, kind in TYPES.items()
    )
    keyed = pg_sql.SQL("create table {} (id integer primary key, {})").format(of.relation, columns)
    postgres.execute(keyed)


def _rows(postgres: psycopg.Connection[Any], of: Target) -> list[tuple[Any, ...]]:
    every = pg_sql.SQL(", ").join(pg_sql.SQL("{}::text").format(pg_sql.Identifier(name)) for name in of.names)
    return postgres.execute(pg_sql.SQL("select {} from {} order by 1").format(every, of.relation)).fetchall()


def test_values_of_every_type_and_nulls_are_written_where_they_differ(postgres: psycopg.Connection[Any]) -> None:
    """A board of five: one is as it was, one is new, one gets values for nulls, one nulls for values, one goes."""
    board = Target("any_types", "any", "analytics.any_types", ("id",), tuple(TYPES))
    _table(postgres, board)
    kinds, nulls = ("integer", *TYPES.values()), (None,) * len(TYPES)
    before = [(1, *FILLED), (3, *nulls), (4, *FILLED), (5, *OTHERS), (6, *nulls), (7, *FILLED)]
    _staged(postgres, board, [(*row, False) for row in before], kinds)
    assert _published(postgres, board) == ({"insert": 6}, (6, 0, 0, 0))
    after = [(1, *FILLED), (2, *OTHERS), (3, *FILLED), (4, *nulls), (6, *nulls), (7, *OTHERS)]
    staged = [*((*row, False) for row in after), (5, *nulls, True), (8, *nulls, True)]
    _staged(postgres, board, staged, kinds)
    assert _published(postgres, board) == ({"insert": 1, "update": 3, "delete": 1}, (1, 3, 1, 0))
    stand = _rows(postgres, board)
    assert [key for key, *_ in stand] == ["1", "2", "3", "4", "6", "7"]
    assert [[value is None for value in row] for row in stand] == [[value is None for value in row] for row in after]
    _staged(postgres, board, [(*row, False) for row in after], kinds)
    assert _published(postgres, board) == ({}, (0, 0, 0, 0))


@pytest.mark.parametrize("name", TYPES)
def test_a_difference_in_one_column_alone_is_one(name: str, postgres: psycopg.Connection[Any]) -> None:
    board = Target("one_type", "any", "analytics.any_types", ("id",), (name,))
    _table(postgres, board)
    place = list(TYPES).index(name)
    for value, counts in ((FILLED[place], (1, 0, 0, 0)), (OTHERS[place], (0, 1, 0, 0)), (None, (0, 1, 0, 0))):
        _staged(postgres, board, [(1, value, False)], ("integer", TYPES[name]))
        assert _published(postgres, board)[1] == counts
    _staged(postgres, board, [(1, FILLED[place], False)], ("integer", TYPES[name]))
    assert _published(postgres, board)[1] == (0, 1, 0, 0)


def test_a_row_follows_its_owner_and_goes_with_it(postgres: psycopg.Connection[Any]) -> None:
    """Owners 1, 2 and 3 are sellers, 4 buys. 1 has a row, 2 is new; 5 is gone, as is 6, who had a row; 3 came since."""
    seller = Owner("seller", "people", "id", where=(("kind", "it's a 100% seller"),))
    sellers = Target("sellers", "sellers", "public.seller_figures", ("person",), ("made",), every=seller)
    assert sellers.parent == seller
    postgres.execute("create table public.people (id integer primary key, kind text)")
    for person, kind in ((1, seller.where[0][1]), (2, seller.where[0][1]), (3, seller.where[0][1]), (4, "buyer")):
        postgres.execute("insert into public.people values (%s, %s)", [person, kind])
    postgres.execute("create table public.seller_figures (person integer primary key, made date)")
    postgres.execute("insert into public.seller_figures values (1, '2026-01-01'), (3, '2026-01-01'), (6, null)")
    staged = [(1, "2026-01-02", False), (2, None, False), (4, None, False), (5, None, False)]
    _staged(postgres, sellers, [*staged, (3, None, True), (6, None, True)], ("integer", "date"))
    assert _published(postgres, sellers) == (
        {"update": 1, "insert": 1, "skip": 2, "delete": 1},
        (1, 1, 1, 2),
    )
    rows = postgres.execute("select person, made::text from public.seller_figures order by person").fetchall()
    assert rows == [(1, "2026-01-02"), (2, None), (3, "2026-01-01")]


def test_an_owner_who_goes_between_comparison_and_write_is_skipped(postgres: psycopg.Connection[Any]) -> None:
    seller = Owner("seller", "people", "id")
    sellers = Target("sellers", "sellers", "public.seller_figures", ("person",), ("made",), every=seller)
    postgres.execute("create table public.people (id integer primary key)")
    postgres.execute("create table public.seller_figures (person integer primary key, made date)")
    _staged(postgres, sellers, [(1, None, False)], ("integer", "date"))
    postgres.execute(
        pg_sql.SQL(
            "create temporary table {} as select 1 as person, null::date as made, 'insert' as action, 0 as part"
        ).format(sellers.changes)
    )
    assert postgres.execute(statements.write(sellers), {"part": 0}).fetchall() == [(0, 0, 0, 1)]  # type: ignore[arg-type]


def test_summary_columns_are_updated_and_nothing_else_of_their_table(postgres: psycopg.Connection[Any]) -> None:
    """Of three people one differs; a fourth is gone, and one whom the metric does not know stays."""
    person = Owner("person", "people", "id")
    summaries = Target("people", "people", "public.people", ("id",), ("seen",), origin=("person_id",), every=person)
    assert not summaries.adds_rows
    postgres.execute("create table public.people (id integer primary key, name text, seen boolean)")
    postgres.execute("insert into public.people values (1, 'a', true), (2, 'b', null), (3, 'c', true)")
    staged = [(1, True, False), (2, False, False), (4, True, False), (3, None, True)]
    _staged(postgres, summaries, staged, ("integer", "boolean"))
    assert _published(postgres, summaries) == ({"update": 1, "skip": 1}, (0, 1, 0, 1))
    rows = postgres.execute("select * from public.people order by id").fetchall()
    assert rows == [(1, "a", True), (2, "b", False), (3, "c", True)]
