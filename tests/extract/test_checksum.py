"""The checksum of keys computed here is the one Postgres computes, bit for bit."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from uuid import UUID

import duckdb
import psycopg
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from si_analytics.postgres import embedded
from si_analytics.warehouse import checksum

EXTREMES = [UUID(int=0), UUID(int=2**128 - 1), *(UUID(int=1 << bit) for bit in range(0, 128, 7))]


@pytest.fixture(scope="module")
def hashing(server: embedded.Server) -> Iterator[psycopg.Connection]:
    with psycopg.connect(server.url, autocommit=True) as connection:
        yield connection


@pytest.fixture
def duck() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute("create table keys (number bigint, key uuid)")
        yield connection


def there(postgres: psycopg.Connection, keys: list[UUID]) -> int:
    row = postgres.execute(
        "select coalesce(bit_xor(uuid_hash_extended(key, 0)), 0) from unnest(%s::uuid[]) as given (key)", [keys]
    ).fetchone()
    assert row is not None
    found: int = row[0]
    return found


def here(duck: duckdb.DuckDBPyConnection, keys: list[UUID]) -> int:
    duck.execute("truncate keys")
    duck.execute("insert into keys select 0, unnest($1::uuid[])", [keys])
    return checksum.checksum(duck, duck.table("keys"), "key")


@hypothesis_settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.uuids(allow_nil=True) | st.sampled_from(EXTREMES), max_size=6))
def test_any_keys_have_the_checksum_that_postgres_computes(
    hashing: psycopg.Connection, duck: duckdb.DuckDBPyConnection, keys: list[UUID]
) -> None:
    assert here(duck, keys) == there(hashing, keys)


@pytest.mark.parametrize("key", EXTREMES, ids=str)
def test_each_key_alone_has_postgres_s_hash(
    hashing: psycopg.Connection, duck: duckdb.DuckDBPyConnection, key: UUID
) -> None:
    """Alone, so that no error of one hash is undone by that of another."""
    assert here(duck, [key]) == there(hashing, [key])


def test_no_keys_sum_to_zero(duck: duckdb.DuckDBPyConnection) -> None:
    assert here(duck, []) == 0


def test_the_order_of_the_keys_does_not_matter_and_each_of_them_does(duck: duckdb.DuckDBPyConnection) -> None:
    keys = [UUID(int=number) for number in range(50)]
    assert here(duck, keys) == here(duck, keys[::-1])
    others = {here(duck, keys[:place] + keys[place + 1 :]) for place in range(50)}
    assert len(others | {here(duck, keys)}) == 51


def test_keys_that_arrive_in_many_batches_each_count_once(
    hashing: psycopg.Connection, duck: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DuckDB hands out slices of its vectors: the keys of some batches begin within their buffer."""
    monkeypatch.setattr(checksum, "_ROWS", 3000)
    drawn = Random(5)
    keys = [UUID(int=drawn.getrandbits(128)) for _ in range(10_001)]
    expected = there(hashing, keys)
    assert here(duck, keys) == expected
    kept = duck.table("keys").filter("key > '80000000-0000-0000-0000-000000000000'")
    assert checksum.checksum(duck, kept, "key") == there(hashing, [key for key in keys if key.int >> 127])
    some = duck.sql("select key from keys order by key limit 4000 offset 1777")
    assert checksum.checksum(duck, some, "key") == there(hashing, sorted(keys)[1777:5777])


def test_more_keys_than_one_batch_holds_are_all_counted(
    hashing: psycopg.Connection, duck: duckdb.DuckDBPyConnection
) -> None:
    rows = checksum._ROWS * 2 + 1
    made = "md5({} || '-key')::uuid"
    duck.execute(f"insert into keys select n, {made.format('n')} from range({rows}) as numbers (n)")
    row = hashing.execute(
        f"select bit_xor(uuid_hash_extended({made.format('n')}, 0)) from generate_series(0, {rows - 1}) as numbers (n)"
    ).fetchone()
    assert row is not None
    assert checksum.checksum(duck, duck.table("keys"), "key") == row[0]
