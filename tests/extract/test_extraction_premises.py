"""Where changes cannot be told everything is read, right, and the reason is shown; and one moment is what is read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import duckdb
import psycopg
import pytest
from psycopg import sql as pg_sql

from si_analytics import extract, refresh, schema, warehouse
from si_analytics.errors import InterruptedReadError
from si_analytics.extract import TableExtract, source
from si_analytics.extract import incremental as extract_incremental
from si_analytics.extract.incremental import Baseline
from si_analytics.extract.source import Snapshot
from si_analytics.refresh import Refresh
from si_analytics.settings import Settings
from tests.support import extractions, worlds
from tests.support.extractions import Extraction, extraction
from tests.support.worlds import Build

REWRITTEN = "the table was rewritten, altered or replaced since"
UNPUBLISHED = "the last refresh was not published here, or the database was restored since"


@pytest.fixture(autouse=True)
def however_many(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tables of a few rows: however many of them change, the changes alone are read."""
    monkeypatch.setattr("si_analytics.extract.reading._MOST_CHANGED", 1.0)


def world() -> Build:
    """Two agents, of whom one earned 10.00; a sponsor and an influencer who talked."""
    build = Build()
    agent, _, sponsor, influencer = build.agent(), build.agent(), build.sponsor(), build.influencer()
    build.transaction(agent, amount="10.00")
    build.message(build.conversation(sponsor, influencer), sponsor, worlds.START)
    return build


@pytest.fixture
def reading(settings: Settings) -> Iterator[Extraction]:
    """The small world, read once by an extraction of users and transactions."""
    with extraction(settings, "users", "transactions") as found:
        worlds.insert(found.postgres, world().world)
        found.refresh()
        yield found


def rename_an_agent(postgres: psycopg.Connection, name: str = "Renamed") -> None:
    key = worlds.identity("users", 1)
    postgres.execute("update users set name = %s where id = %s", [name, key])


def assert_read_whole(reading: Extraction, reason: str) -> None:
    """All tables are read, for that reason, and right; afterwards changes do again."""
    rename_an_agent(reading.postgres)
    told = reading.refresh()
    assert {(one.mode, one.reason) for one in told.values()} == {("full", reason)}
    reading.assert_equal()
    assert {one.mode for one in reading.refresh().values()} == {"incremental"}
    reading.assert_equal()


def assert_users_read_whole(reading: Extraction, reason: str = REWRITTEN) -> None:
    """Of the tables only users is read whole, for that reason, and right."""
    told = reading.refresh()
    assert (told["users"].mode, told["users"].reason) == ("full", reason)
    assert told["transactions"].mode == "incremental"
    reading.assert_equal()


def whole_refresh(settings: Settings, *, full: bool = False) -> tuple[TableExtract, ...]:
    """A refresh to its end; the raw tables of its file hold what Postgres holds, and its records say the same."""
    report = refresh.run(settings, full=full)
    with duckdb.connect(str(settings.warehouse), read_only=True) as opened, extractions.connect(settings) as postgres:
        opened.execute("set global TimeZone = 'UTC'")
        for table in ("users", "transactions", "agent_profiles"):
            names = extractions.names_of(table)
            rows = opened.table(f"raw.{table}").select(*map(duckdb.ColumnExpression, names)).fetchall()
            assert sorted(rows, key=str) == sorted(extractions.standing(postgres, table).values(), key=str)
        recorded = opened.execute(
            "select table_name, mode, reason from meta.extracts where refresh_id = $1 order by all", [report.refresh_id]
        ).fetchall()
        snapshots = opened.execute(
            "select distinct snapshot from meta.extracts where refresh_id = $1", [report.refresh_id]
        ).fetchall()
    assert recorded == sorted((one.table, one.mode, one.reason) for one in report.extracts)
    assert snapshots == [(report.snapshot,)]
    return report.extracts


def modes(extracts: tuple[TableExtract, ...]) -> set[tuple[str, str]]:
    return {(one.mode, one.reason) for one in extracts}


def test_a_first_refresh_reads_all_the_next_the_changes_and_one_that_is_told_to_all_again(
    settings: Settings, postgres: psycopg.Connection
) -> None:
    worlds.insert(postgres, world().world)
    assert modes(whole_refresh(settings)) == {("full", "nothing was read before")}
    rename_an_agent(postgres)
    users = next(one for one in whole_refresh(settings) if one.table == "users")
    assert (users.mode, users.updated) == ("incremental", 1)
    assert modes(whole_refresh(settings, full=True)) == {("full", "every row was asked for")}
    assert modes(whole_refresh(settings)) == {("incremental", "")}


def test_a_database_restored_to_before_the_last_refresh_is_read_whole(
    settings: Settings, postgres: psycopg.Connection, create_database: Callable[..., str]
) -> None:
    """Restored in place, files and numbers and all, the database is the same one: only the record of the refresh lacks.

    What stands for the restore: the rows of the tables, and the record, are as they were before.
    """
    worlds.insert(postgres, world().world)
    whole_refresh(settings)
    postgres.execute("create table kept as table users")
    rename_an_agent(postgres)
    last = refresh.run(settings).refresh_id
    with postgres.transaction():
        postgres.execute("update users set name = kept.name from kept where users.id = kept.id")
        postgres.execute("delete from analytics.refreshes where refresh_id = %s", [last])
    assert modes(whole_refresh(settings)) == {("full", UNPUBLISHED)}
    assert modes(whole_refresh(settings)) == {("incremental", "")}


def test_a_clone_that_takes_the_place_of_the_database_is_read_whole(
    settings: Settings, server: Any, create_database: Callable[..., str], make_settings: Callable[..., Settings]
) -> None:
    """Cloned before the last refresh and given the name: same address, same server, other rows."""
    with extractions.connect(settings) as postgres:
        worlds.insert(postgres, world().world)
    whole_refresh(settings)
    name = extractions.address(settings).split("?")[0].rsplit("/", 1)[1]
    clone = create_database(name).split("?")[0].rsplit("/", 1)[1]
    with extractions.connect(settings) as postgres:
        rename_an_agent(postgres, "Lost by the restore")
    whole_refresh(settings)
    with psycopg.connect(server.url, autocommit=True) as postgres:
        for old, new in ((name, f"{name}_lost"), (clone, name)):
            statement = pg_sql.SQL("alter database {} rename to {}")
            postgres.execute(statement.format(pg_sql.Identifier(old), pg_sql.Identifier(new)))
    assert modes(whole_refresh(settings)) == {("full", "another server or database than last time")}


def test_another_database_of_the_server_is_read_whole(
    reading: Extraction, create_database: Callable[..., str], schema_template: str, make_settings: Callable[..., Any]
) -> None:
    other = make_settings(create_database(schema_template))
    with extractions.connect(other) as postgres:
        worlds.insert(postgres, world().world)
        reading.settings, kept = other, reading.postgres
        reading.postgres = postgres
        assert_read_whole(reading, "another server or database than last time")
        reading.postgres = kept


def test_another_server_is_read_whole(
    reading: Extraction, outside_server: Any, make_settings: Callable[..., Settings]
) -> None:
    other = make_settings(outside_server.url_of(outside_server.create_database()))
    schema.apply(other)
    with extractions.connect(other) as postgres:
        worlds.insert(postgres, world().world)
        reading.settings, kept = other, reading.postgres
        reading.postgres = postgres
        assert_read_whole(reading, "another server or database than last time")
        reading.postgres = kept


def test_a_refresh_that_was_never_published_is_no_ground_for_the_next(reading: Extraction) -> None:
    reading.postgres.execute("truncate analytics.refreshes")
    assert_read_whole(reading, UNPUBLISHED)


def test_without_the_table_of_refreshes_nothing_is_told(reading: Extraction) -> None:
    reading.postgres.execute("alter table analytics.refreshes rename to elsewhere")
    with extract.snapshot(reading.connection, reading.settings) as held:
        assert reading.baseline is not None
        reason = extract.against(reading.connection, held, reading.baseline, reading.settings)
    assert reason is not None
    assert reason.startswith("this role may not read analytics.refreshes")


@contextmanager
def held(reading: Extraction) -> Iterator[Callable[[Snapshot, Snapshot], str | None]]:
    """A function that says why changes between two snapshots cannot be told, all else being as it should be."""
    base = reading.baseline
    assert base is not None
    with extract.snapshot(reading.connection, reading.settings) as now:

        def asked(since: Snapshot, until: Snapshot) -> str | None:
            return extract_incremental.against(reading.connection, now.relations, until, replace(base, snapshot=since))

        yield asked


def at(xmin: int, xmax: int) -> Snapshot:
    return Snapshot(f"{xmin}:{xmax}:", datetime(2026, 1, 1, tzinfo=UTC), "7000000000000000000/5")


def test_a_server_whose_transactions_are_behind_the_last_refresh_is_read_whole(reading: Extraction) -> None:
    with held(reading) as against:
        behind = "the server is behind the last refresh: it was restored, or is a replica that lags"
        assert against(at(100, 110), at(100, 109)) == behind
        assert against(at(100, 110), at(99, 110)) == behind
        assert against(at(100, 110), at(99, 120)) == behind
        assert against(at(100, 110), at(100, 110)) is None
        assert against(at(100, 110), at(105, 120)) is None


def test_transactions_are_told_apart_across_the_wrap_but_not_further_than_half_the_way_round(
    reading: Extraction,
) -> None:
    farthest = 2**31 - 2**20
    with held(reading) as against:
        for start in (3, 2**32 - 10, 5 * 2**32 + 77):
            far = at(start + farthest, start + farthest)
            assert against(at(start, start), far) is None
            assert against(at(start - 1, start), far) == (
                "too many transactions since the last refresh to tell old from new"
            )


def test_the_marks_of_transactions_around_the_wrap_are_asked_for_without_the_reserved_ones(
    reading: Extraction,
) -> None:
    """After 4294967295 comes 3: 0, 1 and 2 mark rows of no transaction that a snapshot tells of."""
    with extract.snapshot(reading.connection, reading.settings) as now:
        users = now.sources["users"]
        asked = extract_incremental._changed(users, at(2**32 - 2, 2**32 - 2), at(2**32 + 5, 2**32 + 5)).as_string(None)
    assert asked == "\"xmin\" = any('{4294967294,4294967295,3,4}'::xid[])"


def test_another_server_is_told_before_its_transactions_are_compared(reading: Extraction) -> None:
    with held(reading) as against:
        other = replace(at(1, 1), server="7000000000000000001/5")
        assert against(at(100, 110), other) == "another server or database than last time"
        assert against(at(100, 110), replace(other, server="")) == "this role may not ask which server it is"


@pytest.mark.parametrize(
    "statements",
    [
        ["alter table users alter column name type varchar(300)"],
        ["alter table users alter column avatar type varchar(9000)"],
        ["alter table users drop column avatar", "alter table users add column avatar text default 'new'"],
        ["alter table users drop column is_active", "alter table users add column is_active boolean default false"],
        ["alter table users set unlogged", "alter table users set logged"],
        ["alter table users add column spare text default 'x'"],
    ],
    ids=["wider", "retyped", "text anew", "boolean anew", "rewritten", "added"],
)
def test_a_table_that_was_altered_is_read_whole(reading: Extraction, statements: list[str]) -> None:
    """Neither a wider type nor a default of a new column marks the rows it changes."""
    reading.postgres.execute("drop view analytics.source_users, active_gigs, user_statistics cascade")
    reading.postgres.execute("drop publication if exists si_realtime")
    if "unlogged" in statements[0]:
        drop_references(reading.postgres)
    for statement in statements:
        reading.postgres.execute(pg_sql.SQL(statement))  # type: ignore[arg-type]
    assert_users_read_whole(reading)


def without_view(postgres: psycopg.Connection, table: str) -> None:
    """Asking for the definition of a view holds its table still; an installation may do without the view."""
    postgres.execute(pg_sql.SQL("drop view analytics.{}").format(pg_sql.Identifier(f"source_{table}")))
    postgres.execute("set lock_timeout = '5s'")


def drop_references(postgres: psycopg.Connection) -> None:
    """No table refers to users any more."""
    for (statement,) in postgres.execute(
        "select format('alter table %s drop constraint %I', conrelid::regclass, conname) from pg_constraint"
        " where contype = 'f' and (confrelid = 'users'::regclass or conrelid = 'users'::regclass)"
    ).fetchall():
        postgres.execute(statement)


def test_a_table_swapped_for_another_by_renaming_is_read_whole(reading: Extraction) -> None:
    """The newcomer's rows were written before the snapshot of the first extraction: no mark tells of them."""
    reading.postgres.execute("create table coming (like users including all)")
    reading.postgres.execute("insert into coming select * from users")
    reading.postgres.execute("update coming set name = 'Swapped in'")
    reading.refresh()
    reading.postgres.execute("alter table users rename to gone")
    reading.postgres.execute("alter table coming rename to users")
    assert_users_read_whole(reading)


@pytest.mark.parametrize("parting", ["alter table juniors no inherit users", "drop table juniors"])
def test_a_table_that_once_had_a_child_is_read_by_changes_again(reading: Extraction, parting: str) -> None:
    """Postgres goes on noting that it may have children; the child's row goes, what was written meanwhile comes."""
    reading.postgres.execute("create table juniors () inherits (users)")
    reading.postgres.execute("insert into juniors select * from users where role = 'agent' limit 1")
    reading.postgres.execute("update juniors set id = %s", [uuid4()])
    reading.refresh()
    reading.assert_equal()
    reading.postgres.execute(parting)  # type: ignore[call-overload]
    reading.refresh()
    reading.assert_equal()
    rename_an_agent(reading.postgres)
    assert reading.postgres.execute("select relhassubclass from pg_class where oid = 'users'::regclass").fetchone() == (
        True,
    )
    told = reading.refresh()["users"]
    assert (told.mode, told.inserted, told.updated, told.deleted) == ("incremental", 0, 1, 0)
    reading.assert_equal()


def test_a_table_that_was_not_read_before_is_read_whole(reading: Extraction) -> None:
    reading.tables = ("users", "transactions", "messages")
    told = reading.refresh()
    assert (told["messages"].mode, told["messages"].reason) == ("full", "not read before")
    assert told["users"].mode == "incremental"
    reading.assert_equal()


def test_a_warehouse_whose_rows_were_tampered_with_is_mended(reading: Extraction) -> None:
    """A row too many, one too few, another's key, an amount that is not Postgres's: each is noticed, and read anew."""
    for damage in (
        "delete from raw.users where role = 'sponsor'",
        "update raw.users set id = uuid() where role = 'sponsor'",
        "update raw.transactions set amount = amount + 1",
    ):
        reading.connection.execute(damage)
        told = reading.refresh().values()
        assert {one.reason for one in told if one.mode == "full"} == {"the changes alone did not add up"}
        reading.assert_equal()


def limited(reading: Extraction, **rights: bool) -> Settings:
    """The settings of a role that may read all tables, and what else is named."""
    name = f"limited_{UUID(int=id(reading)).hex[-12:]}"
    role = pg_sql.Identifier(name)
    statements = [
        pg_sql.SQL("create role {} login").format(role),
        pg_sql.SQL("grant usage on schema analytics to {}").format(role),
        pg_sql.SQL("grant select on all tables in schema public to {}").format(role),
        pg_sql.SQL("revoke execute on function pg_control_system() from public"),
    ]
    if rights.get("refreshes"):
        statements.append(pg_sql.SQL("grant select on analytics.refreshes to {}").format(role))
    if rights.get("system"):
        statements.append(pg_sql.SQL("grant execute on function pg_control_system() to {}").format(role))
    for statement in statements:
        reading.postgres.execute(statement)
    address = extractions.address(reading.settings).replace("://postgres@", f"://{name}@")
    return reading.settings.model_copy(update={"postgres_url": type(reading.settings.postgres_url)(address)})


@pytest.mark.parametrize(
    ("rights", "reason"),
    [
        ({"refreshes": True}, "this role may not ask which server it is"),
        (
            {"system": True},
            "this role may not read analytics.refreshes, which says whether the last refresh was published here",
        ),
    ],
    ids=["no system identifier", "no record of refreshes"],
)
def test_a_role_that_may_not_look_is_given_all_rows_each_time(
    settings: Settings, rights: dict[str, bool], reason: str
) -> None:
    with extraction(settings, "users", "transactions") as reading:
        worlds.insert(reading.postgres, world().world)
        reading.settings = limited(reading, **rights)
        reading.refresh()
        for _ in range(2):
            assert {(one.mode, one.reason) for one in reading.refresh().values()} == {("full", reason)}
            reading.assert_equal()


def test_a_role_that_may_look_is_given_the_changes(settings: Settings) -> None:
    with extraction(settings, "users", "transactions") as reading:
        worlds.insert(reading.postgres, world().world)
        reading.settings = limited(reading, refreshes=True, system=True)
        reading.refresh()
        assert {one.mode for one in reading.refresh().values()} == {"incremental"}


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        ("alter table meta.refreshes drop column server", "the warehouse was made by another version"),
        ("alter table meta.extracts drop column identity", "the warehouse was made by another version"),
        ("delete from meta.refreshes", "the warehouse holds no refresh"),
        ("update meta.refreshes set server = null", "another server or database than last time"),
    ],
)
def test_a_warehouse_that_cannot_tell_what_it_is_as_of_is_read_whole(
    settings: Settings, postgres: psycopg.Connection, damage: str, reason: str
) -> None:
    worlds.insert(postgres, world().world)
    with Refresh(settings) as first:
        first.extract()
        first.finish()
    with duckdb.connect(str(settings.warehouse)) as opened:
        opened.execute(damage)
    with Refresh(settings) as again:
        assert modes(tuple(again.extract())) == {("full", reason)}
        again.finish()


def test_a_table_missing_from_the_warehouse_is_read_whole(settings: Settings, postgres: psycopg.Connection) -> None:
    worlds.insert(postgres, world().world)
    refresh.run(settings)
    with duckdb.connect(str(settings.warehouse)) as opened:
        opened.execute("drop table raw.users")
    told = {one.table: one for one in whole_refresh(settings)}
    assert (told["users"].mode, told["users"].reason) == ("full", "not read before")
    assert told["transactions"].mode == "incremental"


def test_a_refresh_that_published_and_died_before_the_rename_is_caught_up_with(
    settings: Settings, postgres: psycopg.Connection
) -> None:
    """Its file never came to be: what changes are told against is the refresh before it."""
    worlds.insert(postgres, world().world)
    refresh.run(settings)
    rename_an_agent(postgres)
    with Refresh(settings) as dying:
        assert next(one.updated for one in dying.extract() if one.table == "users") == 1
        dying.publish()
    postgres.execute("delete from transactions")
    told = {one.table: one for one in whole_refresh(settings)}
    assert (told["users"].mode, told["users"].updated) == ("incremental", 1)
    assert (told["transactions"].mode, told["transactions"].deleted) == ("incremental", 1)


def test_the_working_file_may_be_deleted_at_any_time(settings: Settings, postgres: psycopg.Connection) -> None:
    """Before a refresh, whatever it is; and beneath one, which then fails, after which the next is right."""
    worlds.insert(postgres, world().world)
    refresh.run(settings)
    working = warehouse.working_path(settings)
    working.write_bytes(b"of a refresh that died")
    working.with_name(working.name + ".wal").write_bytes(b"its log")
    assert modes(whole_refresh(settings)) == {("incremental", "")}
    before = settings.warehouse.read_bytes()
    rename_an_agent(postgres)
    with Refresh(settings) as robbed, pytest.raises(Exception, match="warehouse"):
        robbed.extract()
        working.unlink()
        robbed.finish()
    assert settings.warehouse.read_bytes() == before
    assert not working.exists()
    users = next(one for one in whole_refresh(settings) if one.table == "users")
    assert (users.mode, users.updated) == ("incremental", 1)


@pytest.mark.parametrize("incremental", [False, True], ids=["full", "incremental"])
def test_what_is_written_between_the_reading_of_two_tables_is_not_seen(settings: Settings, incremental: bool) -> None:
    """After the first table an influencer comes and another's transactions go: the extraction knows neither."""
    with extraction(settings, "agent_profiles", "users", "transactions", "messages") as reading:
        worlds.insert(reading.postgres, world().world)
        if incremental:
            reading.refresh()
            rename_an_agent(reading.postgres)
        moment = {table: extractions.standing(reading.postgres, table) for table in reading.tables}
        heard = []

        def meanwhile(done: TableExtract) -> None:
            heard.append(done.table)
            if done.table != "messages":
                rename_an_agent(reading.postgres, f"Renamed after {done.table}")
                reading.postgres.execute(
                    "insert into users (email, password_hash, name, role) values (%s, '-', 'New', 'agent')",
                    [done.table],
                )
                reading.postgres.execute("delete from transactions")
                reading.postgres.execute("delete from messages")

        told = reading.refresh(meanwhile)
        assert heard == list(reading.tables)
        assert {one.mode for one in told.values()} == {"incremental" if incremental else "full"}
        assert {table: reading.held(table) for table in reading.tables} == moment
        assert {table: one.rows for table, one in told.items()} == {table: len(rows) for table, rows in moment.items()}
        later = reading.refresh()
        assert (later["users"].inserted, later["messages"].deleted) == (3, 1)
        reading.assert_equal()


@pytest.mark.parametrize("incremental", [False, True], ids=["full", "incremental"])
@pytest.mark.parametrize("statement", ["truncate {} cascade", "vacuum full {}", "alter table {} rename to gone"])
def test_a_table_that_is_emptied_or_moved_between_snapshot_and_reading_is_noticed_and_read_again(
    settings: Settings, postgres: psycopg.Connection, incremental: bool, statement: str
) -> None:
    """A truncated table shows itself empty even to a snapshot from before: that must not be believed."""
    worlds.insert(postgres, world().world)
    if incremental:
        refresh.run(settings)
    without_view(postgres, "messages")
    heard: list[str] = []

    def listen(phase: str, name: str, rows: int, seconds: float) -> None:
        if (phase, name) == ("extract", "agent_profiles") and not heard:
            postgres.execute(pg_sql.SQL(statement).format(pg_sql.Identifier("messages")))  # type: ignore[arg-type]
            if "rename" in statement:
                postgres.execute("create table messages (like gone including all)")
        if phase == "interrupted" or name == "messages":
            heard.append(phase)

    with Refresh(settings, listen=listen, sleep=lambda _: None) as reading:
        told = {one.table: one for one in reading.extract()}
        held = reading.connection.table("raw.messages").fetchall()
    assert heard == ["extract", "interrupted", "extract"]
    standing = postgres.execute("select id, conversation_id, sender_id, created_at from messages").fetchall()
    assert held == standing
    assert told["messages"].rows == len(standing)


def test_a_table_that_is_moved_at_every_attempt_ends_in_one_sentence(
    settings: Settings, postgres: psycopg.Connection
) -> None:
    without_view(postgres, "messages")
    waits: list[float] = []

    def listen(phase: str, name: str, rows: int, seconds: float) -> None:
        if (phase, name) == ("extract", "agent_profiles"):
            postgres.execute("vacuum full messages")

    with (
        Refresh(settings, listen=listen, sleep=waits.append) as reading,
        pytest.raises(InterruptedReadError, match=r"reading messages.*rewritten while it was read"),
    ):
        reading.extract()
    assert len(waits) == 3
    assert sorted(waits) == waits
    assert not settings.warehouse.exists()


def test_the_server_a_snapshot_names_is_its_cluster_and_database(
    reading: Extraction, outside_server: Any, make_settings: Callable[..., Settings]
) -> None:
    row = reading.postgres.execute(
        "select system_identifier::text || '/' || oid from pg_control_system(), pg_database"
        " where datname = current_database()"
    ).fetchone()
    assert reading.baseline is not None
    assert row == (reading.baseline.snapshot.server,)


def test_a_snapshot_says_which_transactions_had_not_ended(reading: Extraction) -> None:
    with extractions.connect(reading.settings) as other, other.transaction():
        row = other.execute("select pg_current_xact_id()::text::bigint").fetchone()
        assert row is not None
        reading.postgres.execute("select pg_current_xact_id()")
        with extract.snapshot(reading.connection, reading.settings) as held:
            assert held.snapshot.xmin <= row[0] < held.snapshot.xmax - 1
            assert source.ask(reading.connection, "select pg_current_snapshot()::text") == [(held.snapshot.id,)]


def test_a_baseline_serves_only_for_the_tables_it_names(reading: Extraction) -> None:
    assert reading.baseline is not None
    reading.baseline = Baseline(reading.baseline.refresh_id, reading.baseline.snapshot, {})
    assert {(one.mode, one.reason) for one in reading.refresh().values()} == {("full", "not read before")}
