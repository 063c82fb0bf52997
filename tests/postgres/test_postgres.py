"""The operational database: who gets in, what is said to those who do not, and what nobody gets to read."""

from __future__ import annotations

import secrets
import socket
import traceback
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import quote

import polars as pl
import psycopg
import pytest
import sqlalchemy
from psycopg import sql

from si_analytics import postgres
from si_analytics.errors import ServerError, SettingsError
from si_analytics.postgres import embedded
from si_analytics.settings import Settings
from tests.support.outside import OutsideServer

Make = Callable[..., Settings]
PASSWORD = "hunter2-hunter2"


def everything_said(error: BaseException) -> str:
    """All that an error shows to anybody: its own words, those of what it was raised from, and the traceback."""
    chain: list[str] = []
    current: BaseException | None = error
    while current is not None:
        chain += [str(current), repr(current), repr(current.args), repr(vars(current))]
        current = current.__cause__ or current.__context__
    return "\n".join([*chain, *traceback.format_exception(error)])


@pytest.fixture
def database(outside_server: OutsideServer) -> Iterator[tuple[str, str, str]]:
    """A role, its password and a database of its own, on a server that asks for passwords."""
    user, password = outside_server.create_role()
    yield user, password, outside_server.create_database(owner=user)


# --- getting in ------------------------------------------------------------------------------------------------------


def test_a_server_is_reached_with_user_and_password(
    outside_server: OutsideServer, database: tuple[str, str, str], make_settings: Make
) -> None:
    user, password, name = database
    with postgres.connect(make_settings(outside_server.url_of(name, user, password))) as connection:
        assert connection.execute("select current_user, current_database()").fetchone() == (user, name)


@pytest.mark.parametrize("password", ["p@ss/w:rd?#%", "ünï code", "'\"\\ $x"])
def test_a_password_may_hold_any_character_once_encoded(
    outside_server: OutsideServer, make_settings: Make, password: str
) -> None:
    user = f"role_{secrets.token_hex(4)}"
    with psycopg.connect(outside_server.url, autocommit=True) as connection:
        connection.execute(
            sql.SQL("create role {} login password {}").format(sql.Identifier(user), sql.Literal(password))
        )
    url = outside_server.url_of("postgres", user, quote(password, safe=""))
    with postgres.connect(make_settings(url)) as connection:
        assert connection.execute("select current_user").fetchone() == (user,)


def test_a_socket_folder_is_reached_as_libpq_reaches_it(server: embedded.Server, make_settings: Make) -> None:
    folder = quote(str(server.socket), safe="")
    for url in (
        f"postgresql://postgres@{folder}/postgres",
        f"postgresql:///postgres?host={folder}&user=postgres",
        f"postgres://postgres@:5432/postgres?host={folder}",
    ):
        with postgres.connect(make_settings(url)) as connection:
            assert connection.info.host == str(server.socket)


def test_parameters_of_the_address_go_before_those_of_the_library(server: embedded.Server, make_settings: Make) -> None:
    url = server.url + "&application_name=nightly&connect_timeout=3"
    with postgres.connect(make_settings(url)) as connection:
        assert connection.execute("show application_name").fetchone() == ("nightly",)
        assert connection.info.get_parameters()["connect_timeout"] == "3"
    with postgres.connect(make_settings(server.url)) as connection:
        assert connection.execute("show application_name").fetchone() == ("si_analytics",)


def test_without_an_address_the_embedded_server_is_started(tmp_path: Path) -> None:
    home = tmp_path / "home"
    settings = Settings(_env_file=None, home=home, postgres_url=None)  # type: ignore[call-arg]
    try:
        with postgres.connect(settings) as connection:
            assert connection.info.dbname == embedded.DATABASE
    finally:
        embedded.stop(settings.postgres_home)


# --- not getting in --------------------------------------------------------------------------------------------------


def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.parametrize("by", ["connect", "engine"])
def test_a_server_that_is_not_there_is_one_sentence(make_settings: Make, by: str) -> None:
    port = closed_port()
    settings = make_settings(f"postgresql://ana:{PASSWORD}@127.0.0.1:{port}/shop")
    expected = rf"connecting to postgresql://ana@127\.0\.0\.1:{port}/shop: .*refused.*Is the server running"
    with pytest.raises(ServerError, match=expected) as caught:
        postgres.connect(settings) if by == "connect" else postgres.engine(settings).connect()
    assert PASSWORD not in everything_said(caught.value)
    assert str(caught.value).count("Is the server running") == 1, "libpq asks the same"


def test_a_host_nobody_knows_is_one_sentence(make_settings: Make) -> None:
    settings = make_settings(f"postgresql://ana:{PASSWORD}@nowhere.invalid/shop")
    with pytest.raises(ServerError, match=r"connecting to postgresql://ana@nowhere\.invalid/shop: ") as caught:
        postgres.connect(settings)
    assert PASSWORD not in everything_said(caught.value)


@pytest.mark.parametrize("by", ["connect", "engine"])
def test_a_wrong_password_is_one_sentence_without_the_password(
    outside_server: OutsideServer, make_settings: Make, by: str
) -> None:
    settings = make_settings(outside_server.url_of("postgres", "postgres", PASSWORD))
    expected = "password authentication failed.* Check the user and password in SI_POSTGRES_URL"
    with pytest.raises(ServerError, match=expected) as caught:
        postgres.connect(settings) if by == "connect" else postgres.engine(settings).connect()
    assert PASSWORD not in everything_said(caught.value)


def test_a_missing_password_is_told_like_a_wrong_one(outside_server: OutsideServer, make_settings: Make) -> None:
    settings = make_settings(f"postgresql://postgres@127.0.0.1:{outside_server.port}/postgres")
    with pytest.raises(ServerError, match=r"no password supplied.* Check the user and password in SI_POSTGRES_URL"):
        postgres.connect(settings)


def test_a_database_that_is_not_there_is_one_sentence(outside_server: OutsideServer, make_settings: Make) -> None:
    settings = make_settings(outside_server.url_of("no_such_shop"))
    with pytest.raises(ServerError, match=r'"no_such_shop" does not exist\. Check the database and user') as caught:
        postgres.connect(settings)
    assert outside_server.password not in everything_said(caught.value)


def test_encryption_that_was_asked_for_is_not_left_out(outside_server: OutsideServer, make_settings: Make) -> None:
    settings = make_settings(outside_server.url + "?sslmode=require")
    with pytest.raises(ServerError, match=r"does not support SSL.* Check \?sslmode="):
        postgres.connect(settings)


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("mysql://ana:hunter2-hunter2@db/shop", "does not begin with postgresql://"),
        ("ana:hunter2-hunter2@db/shop", "does not begin with postgresql://"),
        ("host=db password=hunter2-hunter2", "does not begin with postgresql://"),
        ("postgresql://ana:p@hunter2-hunter2@db/shop", "holds a character that ends it"),
        ("postgresql://ana:p/hunter2-hunter2@db/shop", "holds a character that ends it"),
        ("postgresql://ana:7/hunter2-hunter2@db/shop", "holds a character that ends it"),
        ("postgresql://ana:p?hunter2-hunter2@db/shop", "holds a character that ends it"),
        ("postgresql://ana:%hunter2-hunter2@db/shop", "is not an address Postgres understands"),
        ("postgresql://db/shop?pasword=hunter2-hunter2", "is not an address Postgres understands"),
        ("postgresql://[::1/shop?password=hunter2-hunter2", "is not an address Postgres understands"),
        ("postgresql://db:hunter2-hunter2/shop", "its port is not a number"),
    ],
)
@pytest.mark.parametrize("by", [postgres.connect, postgres.engine, postgres.url])
def test_an_address_that_is_none_is_refused_and_not_repeated(
    make_settings: Make, by: Callable[[Settings], Any], url: str, found: str
) -> None:
    with pytest.raises(SettingsError, match=f"the setting SI_POSTGRES_URL: .*{found}") as caught:
        by(make_settings(url))
    assert "hunter2" not in everything_said(caught.value)
    assert "hunter2" not in postgres.shown(url)
    assert "%40" in str(caught.value) or "postgresql://user:password@host:port/database" in str(caught.value)


@pytest.mark.parametrize(
    ("url", "shown", "without"),
    [
        ("postgresql://ana:x@db:5433/shop", "postgresql://ana@db:5433/shop", "postgresql://ana@db:5433/shop"),
        ("postgres://db/shop", "postgresql://db/shop", "postgresql://db/shop"),
        ("postgresql://ana@[::1]:5433/shop", "postgresql://ana@[::1]:5433/shop", "postgresql://ana@[::1]:5433/shop"),
        (
            "postgresql://ana:x@db/shop?sslmode=verify-full&password=y&sslpassword=z",
            "postgresql://ana@db/shop",
            "postgresql://ana@db/shop?sslmode=verify-full",
        ),
        (
            "postgresql://a%40b:x@/s%20p?host=/run/pg&port=5433",
            "postgresql://a%40b@/s%20p?host=/run/pg&port=5433",
            "postgresql://a%40b@/s%20p?host=/run/pg&port=5433",
        ),
        (
            "postgresql://ana:x@one:1,two:2/shop",
            "postgresql://ana@/shop?host=one,two&port=1,2",
            "postgresql://ana@/shop?host=one,two&port=1,2",
        ),
    ],
)
def test_an_address_is_shown_without_its_secrets(url: str, shown: str, without: str) -> None:
    assert postgres.shown(url) == shown
    assert postgres.without_password(url) == without


def test_an_address_without_its_password_leads_to_the_same_place(server: embedded.Server) -> None:
    with psycopg.connect(postgres.without_password(server.url + "&password=unused")) as connection:
        assert connection.info.host == str(server.socket)


# --- what a connection may and does ----------------------------------------------------------------------------------


@pytest.mark.parametrize("autocommit", [False, True])
def test_a_connection_reads_only_unless_asked(empty_settings: Settings, autocommit: bool) -> None:
    with (
        postgres.connect(empty_settings, autocommit=autocommit) as connection,
        pytest.raises(psycopg.errors.ReadOnlySqlTransaction),
    ):
        connection.execute("create table public.t ()")
    with postgres.connect(empty_settings, read_only=False, autocommit=autocommit) as connection:
        connection.execute("create table public.t ()")
        assert not connection.execute("select from public.t").fetchall()


@pytest.fixture
def contrary(empty_settings: Settings) -> Settings:
    """A database that sets everything otherwise for those who come, and holds impostors of Postgres's own."""
    assert empty_settings.postgres_url is not None
    with psycopg.connect(empty_settings.postgres_url.get_secret_value(), autocommit=True) as connection:
        connection.execute(
            "create function public.lower(text) returns text language sql as $$ select 'hijacked' $$;"
            "create function public.count(uuid) returns bigint language sql as $$ select 1::bigint $$;"
            "create table public.pg_class (relname text)"
        )
        name = sql.Identifier(connection.info.dbname)
        for setting in (
            "search_path = public, pg_catalog",
            "datestyle = 'German'",
            "timezone = 'Asia/Tokyo'",
            "client_encoding = 'latin1'",
        ):
            connection.execute(sql.SQL("alter database {} set {}").format(name, sql.SQL(setting)))  # type: ignore[arg-type]
    return empty_settings


def test_nothing_on_a_path_is_taken_for_postgres_own(contrary: Settings) -> None:
    with postgres.connect(contrary) as connection:
        assert connection.execute("show search_path").fetchone() == ("pg_catalog, pg_temp",)
        assert connection.execute("select lower('ABC')").fetchone() == ("abc",)
        assert connection.execute("select count(*) > 0 from pg_class").fetchone() == (True,)


def test_a_temporary_table_does_not_stand_in_for_a_catalog(contrary: Settings) -> None:
    with postgres.connect(contrary, read_only=False) as connection:
        connection.execute("create temporary table pg_attribute (none int)")
        assert connection.execute("select count(*) > 0 from pg_attribute").fetchone() == (True,)


def test_times_and_texts_arrive_as_they_are_whatever_the_database_prefers(contrary: Settings) -> None:
    for connection in (postgres.connect(contrary), postgres.engine(contrary).raw_connection()):
        cursor = connection.cursor()
        cursor.execute("select timestamptz '2026-02-01 00:00:00+00', 'Zoë 测试', current_setting('datestyle')")
        when, name, style = cursor.fetchone()
        assert (when.isoformat(), name, style) == ("2026-02-01T00:00:00+00:00", "Zoë 测试", "ISO, YMD")
        connection.close()


def test_a_database_in_another_encoding_gives_and_takes_unicode(
    outside_server: OutsideServer, make_settings: Make
) -> None:
    name = f"latin_{secrets.token_hex(4)}"
    with psycopg.connect(outside_server.url, autocommit=True) as connection:
        statement = sql.SQL("create database {} encoding 'LATIN1' locale 'C' template template0")
        connection.execute(statement.format(sql.Identifier(name)))
    with postgres.connect(make_settings(outside_server.url_of(name)), read_only=False) as connection:
        connection.execute("create temporary table names (name text)")
        with connection.cursor() as cursor, cursor.copy("copy names from stdin") as copy:
            copy.write("Zoë\n".encode())
        assert connection.execute("select name, length(name) from names").fetchone() == ("Zoë", 3)


# --- engines ---------------------------------------------------------------------------------------------------------


def test_an_engine_reads_only_unless_asked(settings: Settings) -> None:
    statement = sqlalchemy.text("insert into users (id, name, role) values (gen_random_uuid(), 'Ana', 'agent')")
    reading, writing = postgres.engine(settings), postgres.engine(settings, read_only=False)
    with reading.connect() as connection, pytest.raises(sqlalchemy.exc.InternalError, match="read-only"):
        connection.execute(statement)
    with writing.begin() as connection:
        connection.execute(sqlalchemy.text("create table public.written ()"))
    assert sqlalchemy.inspect(reading).has_table("written")
    reading.dispose()
    writing.dispose()


def test_an_engine_finds_the_operational_tables_by_reflection(settings: Settings) -> None:
    engine = postgres.engine(settings)
    assert len(sqlalchemy.inspect(engine).get_table_names()) == 42
    deals = sqlalchemy.Table("deals", sqlalchemy.MetaData(), autoload_with=engine)
    assert {key.target_fullname for key in deals.foreign_keys} >= {"users.id", "gigs.id"}
    with engine.connect() as connection:
        assert connection.execute(sqlalchemy.select(sqlalchemy.func.count()).select_from(deals)).scalar_one() == 0
        assert connection.execute(sqlalchemy.text("show search_path")).scalar_one() == "public"
    engine.dispose()


def test_polars_reads_through_an_engine_with_exact_money_and_times_in_utc(settings: Settings) -> None:
    engine = postgres.engine(settings)
    query = "select 0.1::decimal(15,2) as amount, timestamptz '2026-02-01 01:00+01' as at"
    frame = pl.read_database(query, engine)
    assert frame["amount"].to_list() == [Decimal("0.10")]
    assert frame["amount"].dtype.is_decimal()
    assert frame["at"].dt.convert_time_zone("UTC").dt.to_string("%FT%T%:z").to_list() == ["2026-02-01T00:00:00+00:00"]
    engine.dispose()


def test_documents_and_lists_go_through_an_engine_and_back(empty_settings: Settings) -> None:
    engine = postgres.engine(empty_settings, read_only=False)
    with engine.begin() as connection:
        connection.execute(sqlalchemy.text("create table held (document jsonb, tags text[])"))
        held = sqlalchemy.Table("held", sqlalchemy.MetaData(), autoload_with=connection)
        connection.execute(held.insert(), {"document": {"a": [1, None]}, "tags": ["x", "y, z"]})
        assert connection.execute(sqlalchemy.select(held)).one() == ({"a": [1, None]}, ["x", "y, z"])
    engine.dispose()


def test_an_engine_shows_where_it_leads_and_no_password(outside_server: OutsideServer, make_settings: Make) -> None:
    engine = postgres.engine(make_settings(outside_server.url))
    with engine.connect() as connection:
        assert connection.scalar(sqlalchemy.text("select 1")) == 1
    assert repr(engine) == f"Engine(postgresql+psycopg://postgres@127.0.0.1:{outside_server.port}/postgres)"
    assert (
        outside_server.password not in f"{engine!r} {engine.url!r} {engine.url.render_as_string(False)} {vars(engine)}"
    )
    engine.dispose()


def test_an_engine_gets_over_a_connection_that_was_lost(empty_settings: Settings) -> None:
    engine = postgres.engine(empty_settings)
    with engine.connect() as connection:
        process = connection.scalar(sqlalchemy.text("select pg_backend_pid()"))
    with postgres.connect(empty_settings, autocommit=True) as other:
        assert other.execute("select pg_terminate_backend(%s, 5000)", [process]).fetchone() == (True,)
    with engine.connect() as connection:
        assert connection.scalar(sqlalchemy.text("select 1")) == 1
    engine.dispose()
