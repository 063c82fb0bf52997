"""Keys that may stand twice are told from those that do not by their hashes, and what a check finds stays the same."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pytest
from hypothesis import given, strategies

from si_analytics.compute import checks, repeated_keys
from tests.support.duck import Duck, key

MANY = repeated_keys._FEW + 1


@pytest.fixture(scope="module")
def looked_at_closely() -> Iterator[None]:
    """However few the rows are their hashes are sorted, and in parts of three or so."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(repeated_keys, "_FEW", 0)
        patch.setattr(repeated_keys, "_AT_ONCE", 3)
        yield


@pytest.mark.usefixtures("looked_at_closely")
@given(keys=strategies.lists(strategies.tuples(strategies.integers(0, 20), strategies.integers(0, 3))))
def test_a_key_may_stand_twice_exactly_where_one_does(keys: list[tuple[int, int]]) -> None:
    """Keys of two numbers; of so few no two hashes are equal by chance."""
    with duckdb.connect() as connection:
        connection.execute("create table t (a bigint, b bigint)")
        if keys:
            connection.executemany("insert into t values ($1, $2)", keys)
        assert repeated_keys.may_be(connection.table("t"), ("a", "b")) is (len(set(keys)) < len(keys))
        firsts = [first for first, _ in keys]
        assert repeated_keys.may_be(connection.table("t"), ("a",)) is (len(set(firsts)) < len(firsts))


@pytest.mark.usefixtures("looked_at_closely")
def test_keys_without_a_value_are_alike() -> None:
    with duckdb.connect() as connection:
        connection.execute("create table t as select * from (values (null::uuid), (null)) as given (a)")
        assert repeated_keys.may_be(connection.table("t"), ("a",))


def test_a_key_that_stands_twice_among_many_is_found(duck: Duck) -> None:
    duck.connection.execute(
        "insert into raw.users (id) select cast(format('00000000-0000-0000-0000-{:012d}', i) as uuid)"
        " from range($1) as given (i)",
        [MANY],
    )
    assert duck.check("duplicate_keys").passed
    duck.add("users", id=key(7))
    assert duck.found("duplicate_keys") == [{"table_name": "users", "key": key(7), "copies": 2}]


def test_a_fact_that_is_there_twice_among_many_is_found(duck: Duck) -> None:
    """All of one deal, each another agent's; then one of them again."""
    duck.compute()
    duck.connection.execute(
        "insert into facts.attributed_deals (agent_id, deal_id)"
        " select cast(format('00000000-0000-0000-0000-{:012d}', i) as uuid), cast($1 as uuid)"
        " from range($2) as given (i)",
        [key(1), MANY],
    )
    assert duck.check("fact_keys").passed
    duck.connection.execute(
        "insert into facts.attributed_deals from facts.attributed_deals where agent_id = $1", [key(7)]
    )
    wanted = {"table_name": "facts.attributed_deals", "key": f"{key(7)} {key(1)}", "copies": 2}
    assert duck.found("fact_keys") == [wanted]


def test_who_reads_the_query_of_a_check_sees_every_table_it_looks_at(duck: Duck) -> None:
    looked_at = set(checks.of("duplicate_keys").inputs) | set(checks.of("fact_keys").inputs)
    stored = duck.connection.sql(
        "select table_schema || '.' || table_name from information_schema.tables"
        " where table_schema in ('raw', 'facts', 'dimensions')"
    ).fetchall()
    assert {name for (name,) in stored} <= looked_at


def test_keys_whose_hashes_are_alike_are_no_duplicates(duck: Duck) -> None:
    """DuckDB hashes both halves of a uuid and joins the hashes without order: halves that change places look alike."""
    alike = ("80000000-0000-3039-0000-000000010932", "80000000-0001-0932-0000-000000003039")
    duck.connection.execute("insert into raw.users (id) select uuid() from range($1)", [MANY])
    for each in alike:
        duck.add("users", id=each)
    assert repeated_keys.may_be(duck.connection.table("raw.users"), ("id",))
    assert duck.check("duplicate_keys").passed
