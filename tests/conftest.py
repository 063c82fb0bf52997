"""Real databases for the tests: one server for the session, one fresh database for each test."""

from __future__ import annotations

import functools
import importlib.abc
import importlib.util
import itertools
import os
import shutil
import sys
import tempfile
import zoneinfo
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pytest
from playwright.sync_api import Browser, sync_playwright
from psycopg import sql
from pydantic import SecretStr

from si_analytics import sample, schema
from si_analytics.postgres import embedded, sockets
from si_analytics.schema import roles
from si_analytics.settings import Settings
from tests.support import extractions, outside, scratch

pytest_plugins = ("tests.support.commands",)

_counter = itertools.count()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--server-programs",
        type=Path,
        help="a folder with the programs of another PostgreSQL (14 to 18), which then holds the databases of the tests",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Write in memory; the workers, which are started later, write where the process that starts them does.

    What Python says of time zones is what the package tzdata says, as in the library, whatever the machine brings.
    """
    zoneinfo.reset_tzpath(to=())
    if importlib.util.find_spec("pandas") is None:
        sys.meta_path.insert(0, _Missing())
    if "PYTEST_XDIST_WORKER" in os.environ:
        duckdb.connect = _with_less_work(duckdb.connect)
    made = scratch.folder()
    if made is not None:
        scratch.write_below(made)
        config.add_cleanup(lambda: shutil.rmtree(made))


class _Missing(importlib.abc.MetaPathFinder):
    """Says at once that pandas is missing, where it is: DuckDB's client looks twice for every value it is bound.

    Along the whole path each time, that is a sixth of what a refresh takes.
    """

    def find_spec(self, fullname: str, path: object, target: object = None) -> None:
        if fullname == "pandas":
            raise ModuleNotFoundError(f"No module named {fullname!r}", name=fullname)


def _with_less_work(connect: Callable[..., duckdb.DuckDBPyConnection]) -> Callable[..., duckdb.DuckDBPyConnection]:
    """DuckDB in a worker takes one thread: the others have the rest of the processors, and rows are few.

    Nor does it add the extension for Postgres up anew for each connection, to check its signature: that is a tenth of
    what a refresh takes. Whoever runs the tests without workers, and each process that a test starts, has as many
    threads as people have, and checks the signature.
    """

    @functools.wraps(connect)
    def connected(
        database: object = ":memory:", read_only: bool = False, config: Mapping[str, object] | None = None
    ) -> duckdb.DuckDBPyConnection:
        return connect(database, read_only, {"threads": 1, "allow_unsigned_extensions": True, **(config or {})})

    return connected


@pytest.fixture(scope="session")
def server(request: pytest.FixtureRequest) -> Iterator[embedded.Server]:
    """A Postgres server of the test session (one per worker), stopped at its end."""
    programs = request.config.getoption("server_programs")
    if programs is not None:
        with outside.running(programs, outside.like_the_embedded) as running:
            there = {"host": str(running.home), "port": sockets.PORT, "user": embedded.SUPERUSER}
            with psycopg.connect(**there, dbname="postgres", autocommit=True) as connection:  # type: ignore[arg-type]
                connection.execute(sql.SQL("create database {}").format(sql.Identifier(embedded.DATABASE)))
            yield embedded.Server(running.home, running.home)
        return
    # Not below pytest's own folder: as root the server runs as another account, and each pytest that
    # starts on the machine closes that folder to others anew.
    with tempfile.TemporaryDirectory(prefix="si-tests-") as folder:
        home = Path(folder) / "postgres"
        started = embedded.start(home)
        with psycopg.connect(started.url, autocommit=True) as connection:
            # What the tests write need not survive a power cut; it saves most of the time a new database takes.
            connection.execute("alter system set fsync = off")
            connection.execute("alter system set full_page_writes = off")
            connection.execute("alter system set max_wal_size = '256MB'")  # which is memory
            connection.execute("alter system set autovacuum = off")  # it takes transaction numbers when it likes
            connection.execute("select pg_reload_conf()")
        yield started
        embedded.stop(home)


def database_url(server: embedded.Server, name: str) -> str:
    return server.url.replace(f"/{embedded.DATABASE}?", f"/{name}?")


@pytest.fixture(scope="session")
def create_database(server: embedded.Server) -> Callable[..., str]:
    """A function that makes a new database, from a template where named, and returns its address."""

    def create(template: str = "template1") -> str:
        name = f"test_{os.getpid()}_{next(_counter)}"
        with psycopg.connect(server.url, autocommit=True) as connection:
            quickly = sql.SQL(" strategy wal_log" if connection.info.server_version >= 150_000 else "")
            statement = sql.SQL("create database {} template {}{}")
            connection.execute(statement.format(sql.Identifier(name), sql.Identifier(template), quickly))
        return database_url(server, name)

    return create


@pytest.fixture
def passing_database(server: embedded.Server, create_database: Callable[..., str]) -> Iterator[Callable[..., str]]:
    """As `create_database`; what it makes goes with the test, and takes no more memory."""
    made: list[str] = []

    def create(template: str = "template1") -> str:
        made.append(create_database(template))
        return made[-1]

    yield create
    with psycopg.connect(server.url, autocommit=True) as connection:
        for url in made:
            name = psycopg.conninfo.conninfo_to_dict(url)["dbname"]
            connection.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(str(name))))


@pytest.fixture
def make_settings(tmp_path: Path) -> Callable[..., Settings]:
    """A function that makes settings on a database, with a home of the test's own."""

    def make(url: str, **overrides: object) -> Settings:
        home = tmp_path / "home"
        values = {"postgres_url": url, "home": home, "warehouse": home / "warehouse.duckdb", **overrides}
        return Settings(_env_file=None, **values)  # type: ignore[arg-type, call-arg]

    return make


@pytest.fixture
def empty_settings(passing_database: Callable[..., str], make_settings: Callable[..., Settings]) -> Settings:
    """Settings on a database that holds nothing."""
    return make_settings(passing_database())


@pytest.fixture
def ascii_database(create_database: Callable[..., str]) -> str:
    """The address of a database that keeps bytes and does not say which letters they are."""
    url, name = create_database(), f"ascii_{os.getpid()}_{next(_counter)}"
    with psycopg.connect(url, autocommit=True) as connection:
        provider = sql.SQL("locale_provider libc" if connection.info.server_version >= 150_000 else "")
        statement = sql.SQL("create database {} encoding 'SQL_ASCII' template template0 {} locale 'C'")
        connection.execute(statement.format(sql.Identifier(name), provider))
        return url.replace(f"/{connection.info.dbname}", f"/{name}")


@pytest.fixture(scope="session")
def schema_template(create_database: Callable[..., str]) -> str:
    """The name of a database with the operational schema and no rows, to be cloned."""
    url = create_database()
    schema.apply(Settings(_env_file=None, postgres_url=url))  # type: ignore[arg-type, call-arg]
    return url.split("?")[0].rsplit("/", 1)[1]


@pytest.fixture(scope="session")
def sampled_template(create_database: Callable[..., str], schema_template: str) -> Callable[[float, int], str]:
    """A function that names the database that holds a sample of that scale and seed, to be cloned."""

    @functools.cache
    def of(scale: float, seed: int) -> str:
        url = create_database(schema_template)
        sample.generate(Settings(_env_file=None, postgres_url=url), scale=scale, seed=seed)  # type: ignore[arg-type, call-arg]
        return url.split("?")[0].rsplit("/", 1)[1]

    return of


@pytest.fixture
def settings(
    passing_database: Callable[..., str], make_settings: Callable[..., Settings], schema_template: str
) -> Settings:
    """Settings on a fresh database with the operational schema and no rows."""
    return make_settings(passing_database(schema_template))


@pytest.fixture
def make_sampled(
    passing_database: Callable[..., str],
    make_settings: Callable[..., Settings],
    sampled_template: Callable[[float, int], str],
) -> Callable[[float, int], Settings]:
    """A function that makes settings on a fresh database with a sample of that scale and seed."""
    return lambda scale, seed: make_settings(passing_database(sampled_template(scale, seed)))


@pytest.fixture
def postgres(settings: Settings) -> Iterator[psycopg.Connection]:
    """A writing connection on the database of `settings`."""
    assert settings.postgres_url is not None
    with psycopg.connect(settings.postgres_url.get_secret_value(), autocommit=True) as connection:
        connection.execute("set time zone 'UTC'")
        yield connection


@pytest.fixture(scope="session")
def outside_server(request: pytest.FixtureRequest) -> Iterator[outside.OutsideServer]:
    """A server as others run them, of the machine's own Postgres; of the embedded one's programs where it has none."""
    binaries = outside.installed_binaries()
    if binaries is None:
        if os.environ.get("CI"):
            pytest.fail("pg_config finds no Postgres server on this machine: install postgresql and postgresql-contrib")
        request.getfixturevalue("server")  # which lets the account it runs under reach the programs
        binaries = embedded.binaries()
    with outside.running(binaries) as running:
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A headless Chromium, for one module: while it runs, its event loop is this thread's.

    Where there is none, the tests that drive it are left out, and say so; on a build server they fail.
    """
    executable = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if executable is None:
        message = "there is no Chromium on this machine; install it with: apt-get install chromium"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    quiet = ["--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run"]
    unconfined = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=executable, args=[*quiet, *unconfined])
        yield running
        running.close()


@pytest.fixture
def login(settings: Settings, postgres: psycopg.Connection) -> Iterator[Callable[[], Settings]]:
    """A function that sets the roles up, and gives a login with both."""
    name = f"metrics_{postgres.info.backend_pid}"
    role = sql.Identifier(name)

    def make() -> Settings:
        roles.apply(settings)
        postgres.execute(sql.SQL("create role {} login").format(role))
        postgres.execute(sql.SQL("grant si_reader, si_publisher to {}").format(role))
        url = extractions.address(settings).replace("postgres@", f"{name}@", 1)
        return settings.model_copy(update={"postgres_url": SecretStr(url)})

    yield make
    if postgres.execute("select to_regrole(%s) is not null", [name]).fetchone() == (True,):
        postgres.execute(sql.SQL("drop owned by {}").format(role))
        postgres.execute(sql.SQL("drop role {}").format(role))


@pytest.fixture(scope="session")
def raw_tables(
    create_database: Callable[..., str], schema_template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Any]:
    """A warehouse in memory with the raw tables that an extraction makes, to be filled with a world."""
    from tests.support import warehouses

    home = tmp_path_factory.mktemp("definitions")
    url = create_database(schema_template)
    settings = Settings(_env_file=None, postgres_url=url, home=home, warehouse=home / "warehouse.duckdb")  # type: ignore
    connection = warehouses.in_memory(warehouses.raw_definitions(settings))
    yield connection
    connection.close()
