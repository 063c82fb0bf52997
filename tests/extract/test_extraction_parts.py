"""Tables whose rows lie in several: partitions and what inherits. Each part is followed by its own marks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import psycopg
import pytest
from psycopg import sql as pg_sql

from si_analytics import extract, refresh, sample, schema
from si_analytics.definitions import project
from si_analytics.errors import InterruptedReadError
from si_analytics.extract import source
from si_analytics.health import doctor
from si_analytics.health.findings import Verdict
from si_analytics.refresh import Refresh
from si_analytics.schema import roles
from si_analytics.settings import Settings
from tests.support import extractions
from tests.support.extractions import Extraction, extraction

PARTITIONED = (
    "alter table transactions rename to whole",
    "create table transactions (like whole including defaults including constraints) partition by range (created_at)",
    "alter table transactions add primary key (id, created_at)",
    "create table y2024 partition of transactions for values from ('2024-01-01') to ('2025-01-01')",
    "create schema kept_apart",
    "create table kept_apart.y2025 partition of transactions for values from ('2025-01-01') to ('2026-01-01')",
    "drop table whole cascade",
)
"""transactions by year, one partition in another schema; the key takes the time in, as Postgres asks."""


@pytest.fixture(autouse=True)
def however_many(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tables of a few rows: however many of them change, the changes alone are read."""
    monkeypatch.setattr("si_analytics.extract.reading._MOST_CHANGED", 1.0)


def run(postgres: psycopg.Connection, *statements: str) -> None:
    for statement in statements:
        postgres.execute(pg_sql.SQL(statement))  # type: ignore[arg-type]


def pay(postgres: psycopg.Connection, number: int, amount: str, when: str, table: str = "transactions") -> None:
    postgres.execute(
        pg_sql.SQL(
            "insert into {} (id, type, amount, created_at, status) values (%s, 'refund', %s, %s, 'completed')"
        ).format(pg_sql.Identifier(table)),
        [UUID(int=number), amount, when],
    )


@pytest.fixture
def by_year(settings: Settings) -> Iterator[Extraction]:
    """Transactions 1 and 2 of 2024, 3 and 4 of 2025, read once."""
    with extraction(settings, "transactions") as reading:
        run(reading.postgres, *PARTITIONED)
        for number, year in enumerate((2024, 2024, 2025, 2025), 1):
            pay(reading.postgres, number, f"{number}.00", f"{year}-03-01")
        assert reading.refresh()["transactions"].mode == "full"
        reading.assert_equal()
        yield reading


def assert_changes(reading: Extraction, inserted: int, updated: int, deleted: int) -> None:
    """One more refresh reads just these rows, and holds what Postgres holds; the one after it reads none."""
    told = reading.refresh()["transactions"]
    assert (told.mode, told.reason) == ("incremental", "")
    assert (told.inserted, told.updated, told.deleted) == (inserted, updated, deleted)
    reading.assert_equal()
    again = reading.refresh()["transactions"]
    assert (again.mode, again.inserted, again.updated, again.deleted) == ("incremental", 0, 0, 0)


@pytest.mark.parametrize(
    ("statements", "counts"),
    [
        ([], (0, 0, 0)),
        (["update transactions set amount = 9 where id = '{1}'"], (0, 1, 0)),
        (["delete from transactions where id = '{3}'"], (0, 0, 1)),
        (["update transactions set created_at = '2025-05-05' where id = '{1}'"], (0, 1, 0)),
        (["truncate y2024"], (0, 0, 2)),
        (["alter table transactions detach partition y2024"], (0, 0, 2)),
        (["alter table transactions detach partition y2024 concurrently"], (0, 0, 2)),
        (["drop table kept_apart.y2025"], (0, 0, 2)),
        (["vacuum full y2024"], (0, 2, 0)),
        (
            [
                "alter table transactions detach partition y2024",
                "update y2024 set amount = amount + 1 where id = '{1}'",
                "alter table transactions attach partition y2024 for values from ('2024-01-01') to ('2025-01-01')",
            ],
            (0, 1, 0),
        ),
        (
            [
                "alter table y2024 rename to renamed",
                "alter table kept_apart.y2025 set schema public",
                "delete from transactions where id = '{2}'",
            ],
            (0, 0, 1),
        ),
        (
            [
                "create table y2026 partition of transactions for values from ('2026-01-01') to ('2027-01-01')",
                "insert into transactions (id, type, amount, created_at) values ('{5}', 'refund', 5, '2026-01-01')",
            ],
            (1, 0, 0),
        ),
        (
            [
                "create table sub partition of transactions for values from ('2026-01-01') to ('2027-01-01')"
                " partition by hash (id)",
                "create table sub_all partition of sub for values with (modulus 1, remainder 0)",
                "insert into transactions (id, type, amount, created_at, status)"
                " values ('{5}', 'refund', 5, '2026-01-01', 'completed')",
            ],
            (1, 0, 0),
        ),
    ],
    ids=[
        *("nothing", "update", "delete", "moved to another", "truncated", "detached", "detached concurrently"),
        *("dropped", "rewritten", "detached, changed, attached", "renamed", "created", "in two levels"),
    ],
)
def test_what_happens_to_a_partition_is_read_and_nothing_else(
    by_year: Extraction, statements: list[str], counts: tuple[int, int, int]
) -> None:
    run(by_year.postgres, *(one.format(*(str(UUID(int=number)) for number in range(6))) for one in statements))
    assert_changes(by_year, *counts)


def test_the_rows_of_an_attached_partition_are_read_though_they_were_written_long_before(settings: Settings) -> None:
    """Rows 7 and 8 were written before the first refresh, in a table that was no part then: no mark tells of them."""
    with extraction(settings, "transactions") as reading:
        run(reading.postgres, *PARTITIONED, "create table y2023 (like transactions including all)")
        for number in (7, 8):
            pay(reading.postgres, number, "1.50", "2023-03-01", "y2023")
        pay(reading.postgres, 1, "1.00", "2024-03-01")
        reading.refresh()
        run(
            reading.postgres,
            "alter table transactions attach partition y2023 for values from ('2023-01-01') to ('2024-01-01')",
        )
        assert_changes(reading, 2, 0, 0)


def test_a_partition_swapped_for_another_takes_its_rows_along(by_year: Extraction) -> None:
    """2024 held 1 and 2; the newcomer, filled before the last refresh, holds 2 with another amount, and 9."""
    run(by_year.postgres, "create table coming (like transactions including all)")
    pay(by_year.postgres, 2, "2.22", "2024-03-01", "coming")
    pay(by_year.postgres, 9, "9.00", "2024-03-01", "coming")
    by_year.refresh()
    run(
        by_year.postgres,
        "alter table transactions detach partition y2024",
        "alter table transactions attach partition coming for values from ('2024-01-01') to ('2025-01-01')",
    )
    assert_changes(by_year, 1, 1, 1)


def test_a_column_of_all_partitions_that_is_dropped_and_added_again_reads_the_table_whole(by_year: Extraction) -> None:
    """The default of the new column marks no row."""
    run(
        by_year.postgres,
        "alter table transactions drop column currency cascade",
        "alter table transactions add column currency varchar(10) default 'eur'",
    )
    told = by_year.refresh()["transactions"]
    assert (told.mode, told.reason) == ("full", "the table was rewritten, altered or replaced since")
    by_year.assert_equal()


def test_a_table_partitioned_with_no_partition_yet_is_read_and_its_first_ones_are_changes(settings: Settings) -> None:
    with extraction(settings, "transactions") as reading:
        run(reading.postgres, *PARTITIONED[:3], "drop table whole cascade")
        assert reading.refresh()["transactions"].rows == 0
        run(reading.postgres, PARTITIONED[3])
        pay(reading.postgres, 1, "1.00", "2024-03-01")
        assert_changes(reading, 1, 0, 0)


def test_many_changes_of_one_partition_are_read_in_a_second_pass(
    by_year: Extraction, monkeypatch: pytest.MonkeyPatch
) -> None:
    from si_analytics.extract import incremental as extract_incremental

    monkeypatch.setattr(extract_incremental, "_LISTED_PLACES", 1)
    run(by_year.postgres, "update transactions set amount = amount + 1 where created_at < '2025-01-01'")
    assert_changes(by_year, 0, 2, 0)


def test_a_key_that_stands_in_two_partitions_stops_a_refresh(settings: Settings, postgres: psycopg.Connection) -> None:
    """The primary key of a partitioned table holds the time as well: it does not keep ids apart."""
    run(postgres, *PARTITIONED)
    pay(postgres, 1, "1.00", "2024-03-01")
    refresh.run(settings)
    pay(postgres, 1, "1.00", "2025-03-01")
    with pytest.raises(Exception, match=r"duplicate_keys"):
        refresh.run(settings)
    run(postgres, "delete from transactions where created_at >= '2025-01-01'")
    report = refresh.run(settings)
    told = next(one for one in report.extracts if one.table == "transactions")
    assert told.drift == "transactions.id is kept unique by no index of its own: it is checked"


@pytest.mark.parametrize("incremental", [False, True], ids=["full", "incremental"])
@pytest.mark.parametrize(
    "statement",
    [
        "alter table transactions detach partition y2024",
        "truncate y2024",
        "alter table transactions attach partition early for values from ('2023-01-01') to ('2024-01-01')",
    ],
    ids=["detached", "truncated", "attached"],
)
def test_what_happens_to_a_partition_while_it_is_read_is_not_half_seen(
    by_year: Extraction, statement: str, incremental: bool
) -> None:
    """After the snapshot was taken: either the rows of the snapshot are read, or none and it is begun again."""
    run(by_year.postgres, "create table early (like transactions including all)")
    pay(by_year.postgres, 9, "9.00", "2023-03-01", "early")
    before = extractions.standing(by_year.postgres, "transactions")
    by_year.postgres.execute("set lock_timeout = '5s'")
    try:
        with extract.snapshot(by_year.connection, by_year.settings) as whole:
            run(by_year.postgres, statement)
            reading = replace(whole, sources={"transactions": whole.sources["transactions"]})
            extract.read(by_year.connection, reading, by_year.baseline if incremental else None)
    except InterruptedReadError as error:
        assert "attach" not in statement
        assert "reading transactions" in str(error)
    else:
        assert "attach" in statement
        assert by_year.held("transactions") == before
    by_year.refresh()
    by_year.assert_equal()


@pytest.fixture
def with_children(settings: Settings) -> Iterator[Extraction]:
    """Transactions 1 in the table itself, 2 and 3 in one that inherits from it, read once."""
    with extraction(settings, "transactions") as reading:
        run(reading.postgres, "create table old_ones () inherits (transactions)")
        pay(reading.postgres, 1, "1.00", "2024-03-01")
        for number in (2, 3):
            pay(reading.postgres, number, "2.00", "2024-03-01", "old_ones")
        reading.refresh()
        reading.assert_equal()
        yield reading


@pytest.mark.parametrize(
    ("statements", "counts"),
    [
        (["update transactions set amount = 9 where id = '{2}'"], (0, 1, 0)),
        (["delete from only transactions"], (0, 0, 1)),
        (["truncate old_ones"], (0, 0, 2)),
        (["truncate only transactions"], (0, 0, 1)),
        (["create table more () inherits (old_ones)", "insert into more select * from old_ones limit 0"], (0, 0, 0)),
        (["alter table old_ones rename to renamed", "delete from renamed where id = '{3}'"], (0, 0, 1)),
    ],
    ids=["update", "delete", "child truncated", "parent truncated", "grandchild", "renamed"],
)
def test_what_inherits_from_a_table_is_followed_by_itself(
    with_children: Extraction, statements: list[str], counts: tuple[int, int, int]
) -> None:
    run(with_children.postgres, *(one.format(*(str(UUID(int=number)) for number in range(6))) for one in statements))
    assert_changes(with_children, *counts)


def test_a_table_that_nothing_inherits_from_any_more_is_a_plain_one_again(with_children: Extraction) -> None:
    """Read whole once, for its one identity is new; changes do from then on."""
    run(with_children.postgres, "alter table old_ones no inherit transactions")
    assert with_children.refresh()["transactions"].mode == "full"
    with_children.assert_equal()
    pay(with_children.postgres, 7, "1.00", "2024-03-01")
    assert_changes(with_children, 1, 0, 0)


def test_generated_and_identity_columns_are_in_nobodys_way(settings: Settings, postgres: psycopg.Connection) -> None:
    run(
        postgres,
        "alter table transactions add column number bigint generated always as identity",
        "alter table transactions add column net numeric(15, 2) generated always as (amount - fee) stored",
    )
    schema.apply(settings)
    with extraction(settings, "transactions") as reading:
        pay(postgres, 1, "1.00", "2024-03-01")
        reading.refresh()
        pay(postgres, 2, "1.00", "2024-03-01")
        assert_changes(reading, 1, 0, 0)


def test_si_reader_follows_partitions_that_it_has_no_right_on(
    settings: Settings, login: Callable[[], Settings]
) -> None:
    """It reads them through their table, also those that come later."""
    with extraction(settings, "transactions") as reading:
        run(reading.postgres, *PARTITIONED)
        schema.apply(settings)
        reading.settings = login()
        pay(reading.postgres, 1, "1.00", "2024-03-01")
        reading.refresh()
        run(
            reading.postgres,
            "create table y2026 partition of transactions for values from ('2026-01-01') to ('2027-01-01')",
        )
        pay(reading.postgres, 2, "1.00", "2026-03-01")
        assert_changes(reading, 1, 0, 0)


def test_who_may_not_ask_for_the_part_is_given_all_rows_and_told_what_to_do(
    settings: Settings, postgres: psycopg.Connection, login: Callable[[], Settings]
) -> None:
    run(postgres, *PARTITIONED)
    schema.apply(settings)
    metrics = login()
    run(postgres, "revoke select (tableoid) on transactions from si_reader")
    with extraction(settings, "transactions") as reading:
        reading.settings = metrics
        pay(postgres, 1, "1.00", "2024-03-01")
        for _ in range(2):
            told = reading.refresh()["transactions"]
            assert (told.mode, told.rows) == ("full", 1)
        assert told.reason == "this role may not ask which part a row lies in: si schema roles"
        with extract.snapshot(reading.connection, metrics) as held:
            through_views = [name for name, one in held.sources.items() if not one.direct]
        assert through_views == [name for name, one in project().sources.items() if one.digests]


BEFORE_THE_SCHEMA = (
    "create table transactions ("
    " id uuid not null, type varchar(30) not null, job_id uuid, gig_id uuid, from_user_id uuid, to_user_id uuid,"
    " amount numeric(15, 2) not null, currency varchar(10) default 'usd', fee numeric(15, 2) default 0,"
    " attributed_agent_id uuid, recruited_type varchar(20), split_percentage integer,"
    " status varchar(20) default 'pending', created_at timestamptz default now(), payment_id text,"
    " description text, net numeric generated always as (amount - fee) stored) partition by range (created_at)",
    "create table transactions_2025_12 partition of transactions for values from ('2025-12-01') to ('2026-01-01')",
    "create table transactions_2026_01 partition of transactions for values from ('2026-01-01') to ('2026-02-01')",
    "create table transactions_other partition of transactions default",
    "create table messages (id uuid not null, conversation_id uuid not null, sender_id uuid not null,"
    " content text not null, created_at timestamptz) partition by range (created_at)",
    "create table messages_all partition of messages default",
)


def test_a_marketplace_partitioned_before_the_schema_is_built_is_filled_refreshed_and_compared(
    empty_settings: Settings,
) -> None:
    """transactions by month, messages beside, before the first apply; a generated column among theirs.

    `si schema apply`, `diff`, `roles`, `sample`, `refresh` take it as it is; nothing is wrong to doctor.
    """
    with extractions.connect(empty_settings) as postgres:
        run(
            postgres,
            *(one.replace(", number bigint generated always as identity", "") for one in BEFORE_THE_SCHEMA[:1]),
        )
        run(postgres, *BEFORE_THE_SCHEMA[1:])
        schema.apply(empty_settings)
        found = schema.diff(empty_settings)
        assert [one for one in found if one.status in {"missing", "changed"}] == []
        assert {"messages", "transactions"} <= {one.name for one in found if one.accepted}
        assert schema.apply(empty_settings).counts == {}
        roles.apply(empty_settings)
        sample.generate(empty_settings, scale=0.02, seed=5)
        refresh.run(empty_settings)
        run(
            postgres,
            "create table spare (like transactions including all)",
            "insert into spare (id, type, amount, created_at) values (gen_random_uuid(), 'refund', 1, '2001-02-03')",
            "alter table transactions attach partition spare for values from ('2001-01-01') to ('2001-03-01')",
        )
        with Refresh(empty_settings) as again:
            told = {one.table: one for one in again.extract()}
            assert {one.mode for one in told.values()} == {"incremental"}
            assert (told["transactions"].inserted, told["transactions"].updated) == (1, 0)
            again.publish()
            again.finish()
        findings = doctor.findings(empty_settings, datetime.now(UTC))
        assert [one for one in findings if one.verdict is Verdict.wrong] == []
        told_of = next(one.found for one in findings if one.what == "schema")
        assert "doing as well: " in told_of
        assert "transactions" in told_of
        published = postgres.execute("select count(*) from pg_publication_tables where tablename = 'messages_all'")
        assert published.fetchone() == (1,)


def test_only_what_is_in_parts_is_asked_for_them(by_year: Extraction) -> None:
    with extract.snapshot(by_year.connection, by_year.settings) as held:
        assert {name for name, one in held.sources.items() if one.by_part} == {"transactions"}
        assert source.taken_apart(by_year.connection, held.sources["users"]) is False
