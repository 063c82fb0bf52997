"""The role si_reader: a whole extraction runs under it, and every secret is closed to it."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import duckdb
import psycopg
import pytest
from psycopg import sql as pg_sql
from pydantic import SecretStr

from si_analytics import contract, extract, metrics, refresh, roles, sample, schema
from si_analytics.errors import PublishError, SchemaError
from si_analytics.refresh import Refresh
from si_analytics.settings import Settings
from tests.commands import Si

pytest_plugins = ("tests.commands",)

MARK = "planted"
SECRETS = {
    "users.email",
    "users.password_hash",
    "users.stripe_connected_account_id",
    "contacts.email",
    "contacts.phone",
    "contacts.name",
    "messages.content",
    "invites.message",
    "escrow_jobs.stripe_payment_intent_id",
    "invite_templates.message",
}
"""Some of what is planted, so that the list made from the catalog cannot be empty."""
_WORDS = {
    "text": "{} || ctid::text",
    "character varying": "{} || ctid::text",
    "text[]": "array[{}]",
    "jsonb": "jsonb_build_object({}::text, true)",
}
"""How the mark is written into columns of these types; most texts are unique, a row's place makes them so."""
_counter = itertools.count()


@dataclass(frozen=True)
class Place:
    """A filled database: the settings of its owner, and of a login that is a member of si_reader and nothing else."""

    owner: Settings
    reader: Settings
    planted: frozenset[str]


def address(settings: Settings) -> str:
    assert settings.postgres_url is not None
    return settings.postgres_url.get_secret_value()


def as_user(url: str, name: str, password: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=f"{name}:{password}@{parts.netloc.rpartition('@')[2]}"))


def login(connection: psycopg.Connection[Any], *memberships: str) -> tuple[str, str]:
    """A new role that may log in, and is a member of these."""
    name = f"login_{next(_counter)}"
    role = pg_sql.Identifier(name)
    connection.execute(pg_sql.SQL("drop role if exists {}").format(role))
    connection.execute(pg_sql.SQL("create role {} login password 'a-word'").format(role))
    for one in memberships:
        connection.execute(pg_sql.SQL("grant {} to {}").format(pg_sql.Identifier(one), role))
    return name, "a-word"


def columns(connection: psycopg.Connection[Any]) -> list[tuple[str, str, str]]:
    """Every column of every operational table, with its type."""
    return connection.execute(
        "select relation.relname, attribute.attname, format_type(attribute.atttypid, null)"
        " from pg_class as relation inner join pg_attribute as attribute on attribute.attrelid = relation.oid"
        " where relation.relnamespace = 'public'::regnamespace and relation.relname = any(%s)"
        " and attribute.attnum > 0 and not attribute.attisdropped order by 1, 2",
        [list(schema.tables())],
    ).fetchall()


def extracted(table: str) -> set[str]:
    return {column.name for column in contract.columns(table)} if table in extract.tables() else set()


def plant(connection: psycopg.Connection[Any]) -> frozenset[str]:
    """Write the mark into every column of words that is not to be read; those that hold no such word stay."""
    done = set()
    for table, column, kind in columns(connection):
        if column in extracted(table) or kind not in _WORDS:
            continue
        statement = pg_sql.SQL("update public.{} set {} = {}").format(
            pg_sql.Identifier(table), pg_sql.Identifier(column), pg_sql.SQL(_WORDS[kind]).format(pg_sql.Literal(MARK))
        )
        try:
            with connection.transaction():
                connection.execute(statement)
        except (psycopg.errors.IntegrityError, psycopg.errors.StringDataRightTruncation):
            continue
        done.add(f"{table}.{column}")
    return frozenset(done)


@pytest.fixture(scope="module", params=["embedded", "outside"])
def place(
    request: pytest.FixtureRequest,
    create_database: Callable[..., str],
    schema_template: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Place:
    """A sampled marketplace on the embedded server, and on one of the machine's own that belongs to a plain role."""
    if request.param == "embedded":
        above = url = create_database(schema_template)
    else:
        server = request.getfixturevalue("outside_server")
        role, password = server.create_role()
        with psycopg.connect(server.url, autocommit=True) as connection:
            connection.execute(pg_sql.SQL("alter role {} createrole").format(pg_sql.Identifier(role)))
        database = server.create_database(role)
        above, url = server.url_of(database), server.url_of(database, role, password)
    home = tmp_path_factory.mktemp(request.param)
    given = {"_env_file": None, "home": home, "warehouse": home / "w.duckdb"}
    owner = Settings(**given, postgres_url=url)  # type: ignore[arg-type]
    if request.param == "outside":
        schema.apply(owner)
    sample.generate(owner, scale=0.02, seed=5)
    assert roles.apply(owner).others == ()
    with psycopg.connect(above, autocommit=True) as connection:
        planted = plant(connection)
        reader = Settings(**given, postgres_url=as_user(url, *login(connection, roles.READER)))  # type: ignore[arg-type]
    return Place(owner, reader, planted)


@pytest.fixture
def reading(place: Place) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(address(place.reader), autocommit=True) as connection:
        yield connection


def contents(path: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Every raw table and metric of a warehouse."""
    with duckdb.connect(str(path), read_only=True) as connection:
        connection.execute("set TimeZone = 'UTC'")
        names = connection.sql(
            "select schema_name || '.' || table_name from duckdb_tables() where schema_name in ('raw', 'metrics')"
        ).fetchall()
        return {name: connection.sql(f"select * from {name} order by all").fetchall() for (name,) in names}


def extract_and_compute(settings: Settings) -> dict[str, extract.TableExtract]:
    """What a login without the right to publish can do; leaves the warehouse in place, and no secret anywhere."""
    with Refresh(settings, as_of=sample.END) as running:
        found = {one.table: one for one in running.extract()}
        for name in metrics.names():
            running.compute(name)
        running.connection.execute("force checkpoint")
        assert_clean(settings.home, ".working")
        running.finish()
    return found


def assert_clean(folder: Path, ending: str) -> None:
    """No file beside the warehouse holds the mark; the one of this ending is there and does hold what is read."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert any(path.name.endswith(ending) for path in files)
    for path in files:
        held = path.read_bytes()
        assert MARK.encode() not in held, path.name
        if path.name.endswith(ending):
            assert b"agent_commission" in held


def expected(place: Place, tmp_path: Path) -> dict[str, list[tuple[Any, ...]]]:
    """What the owner reads and computes, everything anew, in a warehouse of its own."""
    own = place.owner.model_copy(update={"home": tmp_path, "warehouse": tmp_path / "own.duckdb"})
    extract_and_compute(own)
    return contents(own.warehouse)


def test_a_member_of_si_reader_reads_everything_then_what_changed_and_gets_the_owner_s_numbers(
    place: Place, tmp_path: Path
) -> None:
    first = extract_and_compute(place.reader)
    assert {one.mode for one in first.values()} == {extract.FULL}
    assert contents(place.reader.warehouse) == expected(place, tmp_path / "first")
    with Refresh.resume(place.owner) as publishing:
        publishing.publish()
        publishing.finish()
    with psycopg.connect(address(place.owner), autocommit=True) as connection:
        some = "(select id from {0} order by id limit {1})"
        connection.execute(f"update transactions set status = 'failed' where id in {some.format('transactions', 3)}")
        connection.execute(f"delete from user_reviews where id in {some.format('user_reviews', 2)}")
        connection.execute(
            "insert into contacts (agent_id, name, source) select agent_id, 'planted', source from contacts limit 1"
        )
    second = extract_and_compute(place.reader)

    def told(table: str) -> tuple[str, int, int, int]:
        one = second[table]
        return one.mode, one.inserted, one.updated, one.deleted

    assert told("transactions") == (extract.INCREMENTAL, 0, 3, 0)
    assert told("user_reviews") == (extract.INCREMENTAL, 0, 0, 2)
    assert told("contacts") == (extract.INCREMENTAL, 1, 0, 0)
    assert contents(place.reader.warehouse) == expected(place, tmp_path / "second")
    assert_clean(place.reader.home, ".duckdb")


def test_what_was_planted_is_in_the_columns_that_are_secret(place: Place) -> None:
    assert place.planted >= SECRETS


def test_no_column_of_an_operational_table_can_be_read_directly(place: Place, reading: psycopg.Connection[Any]) -> None:
    found = columns(reading)
    assert len(found) > 400
    for table, column, _ in [*found, *((table, name, "") for table in schema.tables() for name in ("ctid", "xmin"))]:
        statement = pg_sql.SQL("select {} from public.{}").format(pg_sql.Identifier(column), pg_sql.Identifier(table))
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            reading.execute(statement)


def test_the_views_show_the_extracted_columns_and_no_other(place: Place, reading: psycopg.Connection[Any]) -> None:
    for table in extract.tables():
        view = pg_sql.SQL("select * from analytics.{} limit 1").format(pg_sql.Identifier(f"source_{table}"))
        shown = [column.name for column in reading.execute(view).description or ()]
        assert shown == [*(column.name for column in contract.columns(table)), "row_version", "row_place"]
    for relation in ("user_statistics", "active_gigs", "agent_leaderboard", "brand_leaderboard", "conversion_funnels"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            reading.execute(pg_sql.SQL("select * from public.{}").format(pg_sql.Identifier(relation)))


def test_nothing_can_be_written(place: Place, reading: psycopg.Connection[Any]) -> None:
    tables = [("public", table) for table in schema.tables()]
    views = [tuple(name.split(".")) for name in roles.readable()]
    statements = ["insert into {} default values", "delete from {}", "select 1 from {} for update"]
    for relation, statement in itertools.product([*tables, *views], statements):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            reading.execute(pg_sql.SQL(statement).format(pg_sql.Identifier(*relation)))
    for table, column, _ in columns(reading):
        update = pg_sql.SQL("update public.{0} set {1} = null").format(*map(pg_sql.Identifier, (table, column)))
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            reading.execute(update)
    for statement in ("create table public.mine (id int)", "create table analytics.mine (id int)"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            reading.execute(statement)


def test_a_refresh_that_may_not_publish_says_so_and_leaves_the_warehouse_as_it_was(place: Place) -> None:
    before = place.reader.warehouse.read_bytes() if place.reader.warehouse.exists() else None
    with pytest.raises(PublishError, match="permission denied"):
        refresh.run(place.reader, as_of=sample.END)
    assert (place.reader.warehouse.read_bytes() if place.reader.warehouse.exists() else None) == before


def test_setting_the_role_up_again_changes_nothing(settings: Settings, postgres: psycopg.Connection[Any]) -> None:
    def rights() -> list[Any]:
        return postgres.execute("select oid, relacl from pg_class where relacl is not null order by oid").fetchall()

    first = roles.apply(settings)
    held = rights()
    second = roles.apply(settings)
    assert (second.created, second.reads, second.others) == (False, first.reads, ())
    assert rights() == held


def test_a_right_of_everybody_s_is_named(si: Si, settings: Settings, postgres: psycopg.Connection[Any]) -> None:
    postgres.execute("grant select (email) on users to public")
    done = si(settings)("schema", "roles")
    assert done.code == 0
    assert "grant si_reader to my_login" in done.out
    assert done.err.endswith("on public.users\n")


def test_without_the_views_the_role_is_not_set_up(si: Si, empty_settings: Settings) -> None:
    done = si(empty_settings)("schema", "roles")
    assert (done.code, done.out) == (1, "")
    assert "si schema apply" in done.err


def someone_else(settings: Settings, connection: psycopg.Connection[Any]) -> tuple[str, Settings]:
    """A login without any right of its own."""
    name, password = login(connection)
    url = SecretStr(as_user(address(settings), name, password))
    return name, settings.model_copy(update={"postgres_url": url})


def test_who_may_not_create_roles_is_told_what_to_do(settings: Settings, postgres: psycopg.Connection[Any]) -> None:
    roles.apply(settings)
    _, someone = someone_else(settings, postgres)
    postgres.execute("alter role si_reader rename to si_reader_aside")
    try:
        with pytest.raises(SchemaError, match=r"permission denied to create role.*Nothing was changed; connect as"):
            roles.apply(someone)
    finally:
        postgres.execute("alter role si_reader_aside rename to si_reader")


def test_who_may_use_the_views_but_not_grant_rights_on_them_is_told_what_to_do(
    settings: Settings, postgres: psycopg.Connection[Any]
) -> None:
    """Postgres itself merely warns of it."""
    postgres.execute("do $$ begin if to_regrole('si_reader') is null then create role si_reader; end if; end $$")
    name, someone = someone_else(settings, postgres)
    role = pg_sql.Identifier(name)
    postgres.execute(pg_sql.SQL("grant usage on schema analytics to {}").format(role))
    postgres.execute(pg_sql.SQL("grant select on all tables in schema analytics to {}").format(role))
    with pytest.raises(SchemaError, match=r"rights on analytics\.\w+ are not yours to grant"):
        roles.apply(someone)
