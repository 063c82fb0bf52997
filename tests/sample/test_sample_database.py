"""The sample marketplace in a database: all of it or nothing, once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from psycopg import sql

from si_analytics import postgres, sample, schema
from si_analytics.errors import LoadError, SchemaError, ServerError
from si_analytics.postgres import copying
from si_analytics.settings import Settings
from tests.support.outside import OutsideServer


def counts(connection: psycopg.Connection[Any]) -> dict[str, int]:
    """The rows of every operational table."""
    return {
        table: connection.execute(sql.SQL("select count(*) from {}").format(sql.Identifier(table))).fetchone()[0]  # type: ignore[index]
        for table in schema.tables()
    }


@pytest.fixture(scope="module")
def full_url(create_database: Callable[..., str], schema_template: str) -> str:
    """The address of a database that holds the marketplace of scale 1; tests only read it."""
    url = create_database(schema_template)
    sample.generate(Settings(_env_file=None, postgres_url=url), scale=1, seed=1)  # type: ignore[arg-type, call-arg]
    return url


@pytest.fixture
def full(full_url: str) -> Iterator[psycopg.Connection[Any]]:
    """A connection on the database that holds the marketplace of scale 1."""
    with psycopg.connect(full_url, autocommit=True) as connection:
        yield connection


def test_every_operational_table_is_filled_with_the_rows_of_the_frames(
    settings: Settings, postgres: psycopg.Connection[Any]
) -> None:
    told: list[tuple[str, str, int]] = []
    report = sample.generate(
        settings, scale=0.02, seed=1, progress=lambda phase, name, rows, _: told.append((phase, name, rows))
    )
    frames = sample.frames(scale=0.02, seed=1)
    assert report.rows == counts(postgres) == {table: frames[table].height for table in report.rows}
    assert len(report.rows) == 42
    assert not report.already_there
    assert report.scale == Decimal("0.02")
    assert {("sample", table, rows) for table, rows in report.rows.items()} <= set(told)
    recorded = postgres.execute("select scale, seed, generator from analytics.samples").fetchall()
    assert recorded == [(Decimal("0.02"), 1, sample.GENERATOR)]


def test_a_second_run_says_so_and_writes_nothing(settings: Settings, postgres: psycopg.Connection[Any]) -> None:
    sample.generate(settings, scale=0.02, seed=1)
    before = counts(postgres), postgres.execute("select loaded_at, xmin::text from analytics.samples").fetchall()
    report = sample.generate(settings, scale=Decimal("0.020"), seed=1)
    assert report.already_there
    assert report.rows == {}
    after = counts(postgres), postgres.execute("select loaded_at, xmin::text from analytics.samples").fetchall()
    assert after == before


def test_tables_that_hold_something_else_are_left_alone(settings: Settings, postgres: psycopg.Connection[Any]) -> None:
    """One trigger definition in an otherwise empty schema is enough."""
    postgres.execute("insert into reward_triggers (type, name, conditions) values ('t', 'n', '{}')")
    before = counts(postgres)
    with pytest.raises(LoadError, match=r"the table reward_triggers already holds 1 row\. Nothing was changed"):
        sample.generate(settings, scale=0.02)
    assert counts(postgres) == before
    assert postgres.execute("select count(*) from analytics.samples").fetchone() == (0,)


def test_another_sample_is_refused_where_one_is_loaded(settings: Settings, postgres: psycopg.Connection[Any]) -> None:
    sample.generate(settings, scale=0.02, seed=1)
    before = counts(postgres)
    with pytest.raises(LoadError, match=r"sample of scale 0\.02 and seed 2: the table users already holds 40 rows"):
        sample.generate(settings, scale=0.02, seed=2)
    assert counts(postgres) == before


def test_a_sample_whose_rows_were_taken_out_since_is_loaded_again(
    settings: Settings, postgres: psycopg.Connection[Any]
) -> None:
    sample.generate(settings, scale=0.02, seed=1)
    tables = sql.SQL(", ").join(map(sql.Identifier, schema.tables()))
    postgres.execute(sql.SQL("truncate {}").format(tables))
    assert sample.generate(settings, scale=0.02, seed=1).rows == counts(postgres)


def test_a_session_killed_half_way_leaves_nothing_and_the_next_try_succeeds(
    settings: Settings, postgres: psycopg.Connection[Any]
) -> None:
    def kill(_: str, table: str, __: int, ___: float) -> None:
        if table == "deals":
            postgres.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity"
                " where datname = current_database() and pid <> pg_backend_pid()"
            )

    with pytest.raises(ServerError, match=r"sample of scale 0\.02 and seed 1: .*Nothing was changed") as caught:
        sample.generate(settings, scale=0.02, seed=1, progress=kill)
    assert "\n" not in str(caught.value)
    assert set(counts(postgres).values()) == {0}
    assert postgres.execute("select count(*) from analytics.samples").fetchone() == (0,)
    assert sample.generate(settings, scale=0.02, seed=1).rows == counts(postgres)


def test_a_large_sample_killed_while_its_indexes_are_aside_leaves_the_schema_as_it_was(
    settings: Settings, postgres: psycopg.Connection[Any]
) -> None:
    def kill(_: str, table: str, __: int, ___: float) -> None:
        if table == "messages":
            postgres.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity"
                " where datname = current_database() and pid <> pg_backend_pid()"
            )

    with pytest.raises(ServerError):
        sample.generate(settings, scale=0.5, seed=1, progress=kill)
    assert set(counts(postgres).values()) == {0}
    assert schema.diff(settings) == []


def test_a_row_that_postgres_refuses_leaves_nothing(settings: Settings, postgres: psycopg.Connection[Any]) -> None:
    """A stricter rule that somebody added to the last table is told in one sentence."""
    postgres.execute("alter table messages add constraint brief check (length(content) < 3)")
    with pytest.raises(LoadError, match=r'violates check constraint "brief"\. Nothing was changed') as caught:
        sample.generate(settings, scale=0.02)
    assert "\n" not in str(caught.value)
    assert set(counts(postgres).values()) == {0}


def test_a_database_without_the_schema_is_told_what_to_do(empty_settings: Settings) -> None:
    with pytest.raises(SchemaError, match="si schema apply"):
        sample.generate(empty_settings, scale=0.02)


def test_an_ordinary_user_who_owns_the_tables_of_an_outside_server_can_fill_them(
    outside_server: OutsideServer, make_settings: Callable[..., Settings]
) -> None:
    """A server of another version; the sample is large enough for its indexes to be put aside."""
    role, password = outside_server.create_role()
    ours = make_settings(outside_server.url_of(outside_server.create_database(role), role, password))
    schema.apply(ours)
    report = sample.generate(ours, scale=0.5, seed=1)
    assert sum(report.rows.values()) > 60_000
    assert schema.diff(ours) == []
    assert sample.generate(ours, scale=0.5, seed=1).already_there


def test_a_database_that_cannot_hold_every_script_is_told_so(
    outside_server: OutsideServer, make_settings: Callable[..., Settings]
) -> None:
    with psycopg.connect(outside_server.url, autocommit=True) as connection:
        connection.execute("create database western encoding 'LATIN1' template template0")
    ours = make_settings(outside_server.url_of("western"))
    schema.apply(ours)
    with pytest.raises(LoadError, match="the encoding of the database does not hold every script") as caught:
        sample.generate(ours, scale=0.02)
    assert "\n" not in str(caught.value)


def test_the_schema_is_as_declared_after_a_load_that_put_its_indexes_aside(full_url: str) -> None:
    assert schema.diff(Settings(_env_file=None, postgres_url=full_url)) == []  # type: ignore[arg-type, call-arg]


def test_every_foreign_key_has_been_checked_by_postgres(
    full: psycopg.Connection[Any], postgres: psycopg.Connection[Any]
) -> None:
    """The keys are those of an untouched schema, and Postgres vouches for each."""
    query = "select conname, pg_get_constraintdef(oid), convalidated from pg_constraint where contype = 'f' order by 1"
    keys = full.execute(query).fetchall()
    assert keys == postgres.execute(query).fetchall()
    assert len(keys) > 60
    assert all(checked for *_, checked in keys)


def test_every_table_is_analyzed(full: psycopg.Connection[Any]) -> None:
    """A table that was never analysed has relpages 0 and is then read by one thread."""
    unknown = full.execute(
        "select relname from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r'"
        " and (reltuples <= 0 or relpages = 0)"
    ).fetchall()
    assert unknown == []
    assert full.execute("select reltuples from pg_class where relname = 'deals'").fetchone() == (5000,)


def test_every_column_that_may_be_empty_sometimes_is_and_none_always(full: psycopg.Connection[Any]) -> None:
    """Balances aside, which must add up: a null there would make the sums unknown."""
    columns = full.execute(
        "select relname, attname, attnotnull from pg_attribute join pg_class on pg_class.oid = attrelid"
        " where relnamespace = 'public'::regnamespace and relkind = 'r' and attnum > 0 and not attisdropped"
    ).fetchall()
    never, always = set(), set()
    for table, column, required in columns:
        query = sql.SQL("select count(*), count({}) from {}").format(sql.Identifier(column), sql.Identifier(table))
        rows, filled = full.execute(query).fetchone()  # type: ignore[misc]
        if filled == 0:
            always.add(f"{table}.{column}")
        if filled == rows and not required:
            never.add(f"{table}.{column}")
    assert always == set()
    money = ("available_balance", "escrow_balance", "total_earnings", "total_withdrawals")
    assert never == {f"user_balances.{column}" for column in money}


def test_tables_come_after_the_tables_they_refer_to(full: psycopg.Connection[Any]) -> None:
    order = copying.insert_order(full, schema.tables())
    assert sorted(order) == sorted(schema.tables())
    for child, parent in (
        ("deals", "gigs"),
        ("gigs", "users"),
        ("escrow_jobs", "gig_applications"),
        ("messages", "deals"),
    ):
        assert order.index(child) > order.index(parent)


def test_someone_who_does_not_own_the_tables_leaves_their_indexes_where_they_are(
    settings: Settings, postgres: psycopg.Connection[Any]
) -> None:
    postgres.execute("create role loader_of_samples")
    try:
        postgres.execute("grant select, insert on all tables in schema public to loader_of_samples")
        with psycopg.connect(settings.postgres_url.get_secret_value()) as connection:  # type: ignore[union-attr]
            connection.execute("set role loader_of_samples")
            query = "select count(*) from pg_index"
            before = connection.execute(query).fetchone()
            with copying.keys_aside(connection, schema.tables()):
                assert connection.execute(query).fetchone() == before
            connection.rollback()
    finally:
        postgres.execute("drop owned by loader_of_samples")
        postgres.execute("drop role loader_of_samples")


def test_an_index_that_carries_more_than_its_definition_is_left_where_it_is(
    settings: Settings, postgres: psycopg.Connection[Any]
) -> None:
    """A comment would be lost with the index; so would a key's."""
    postgres.execute("comment on index idx_deals_status is 'keep'")
    postgres.execute("comment on constraint deals_gig_id_fkey on deals is 'keep'")
    with postgres_connection(settings) as connection, connection.transaction():
        with copying.keys_aside(connection, ["deals", "gigs"]):
            left = {
                name for (name,) in connection.execute("select relname from pg_class where relname like 'idx_deals%'")
            }
            keys = connection.execute(
                "select conname from pg_constraint where conname = 'deals_gig_id_fkey'"
            ).fetchall()
        assert left == {"idx_deals_status"}
        assert keys == [("deals_gig_id_fkey",)]
    assert schema.diff(settings) == []


def postgres_connection(settings: Settings) -> psycopg.Connection[Any]:
    """A writing connection as the library opens it."""
    return postgres.connect(settings, read_only=False)
