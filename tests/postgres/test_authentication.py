"""Who connects, and to whom: certificates checked to the host's name, hostile passwords, the socket's own accounts."""

from __future__ import annotations

import os
import pwd
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

import duckdb
import psycopg
import pytest
from psycopg import sql

from si_analytics import postgres, refresh, sample, schema, warehouse
from si_analytics.errors import AnalyticsError, ServerError
from si_analytics.health import doctor
from si_analytics.settings import Settings
from tests.support import outside
from tests.support.certificates import certify
from tests.support.commands import Si

PASSWORDS = ("p@ss/w%r:d", "two words'\"\\;--", " =#?&+ ", "sch\u00f6n \U0001f600")
"""What ends an address, a quoted word, a parameter; and letters beyond ASCII."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The certificates: an authority, its server's for the host localhost, and an authority nobody knows."""
    folder = tmp_path_factory.mktemp("certificates")
    certify(folder, "authority")
    certify(folder, "stranger")
    certify(folder, "localhost", "authority")
    return folder


@pytest.fixture(scope="module")
def guarded(folder: Path) -> Iterator[outside.OutsideServer]:
    """A server that lets nobody in without encryption over the network; on its socket, this account as `peered`."""
    binaries = outside.installed_binaries()
    assert binaries is not None, "install postgresql"

    def prepare(data: Path) -> str:
        for kind in ("key", "crt"):
            shutil.copyfile(folder / f"localhost.{kind}", data / f"localhost.{kind}")
        (data / "localhost.key").chmod(0o600)
        (data / "pg_hba.conf").write_text(
            "local all peered peer map=people\nhostssl all all 127.0.0.1/32 scram-sha-256\n"
        )
        (data / "pg_ident.conf").write_text(f"people {pwd.getpwuid(os.geteuid()).pw_name} peered\n")
        data.parent.chmod(0o711)
        (data.parent / "socket").mkdir(mode=0o777)
        (data.parent / "socket").chmod(0o777)
        socket = data.parent / "socket"
        encrypted = "-c ssl=on -c ssl_cert_file=localhost.crt -c ssl_key_file=localhost.key"
        return f"{encrypted} -c unix_socket_directories={socket}"

    with outside.running(binaries, prepare) as running:
        yield running


def owner(guarded: outside.OutsideServer, number: int) -> tuple[str, str, str]:
    """A database of a role with one of the passwords: its name, the role's, the password."""
    name, password = f"shop_{number}", PASSWORDS[number]
    with psycopg.connect(guarded.url, autocommit=True) as connection:
        connection.execute(
            sql.SQL("create role {} login password {}").format(sql.Identifier(name), sql.Literal(password))
        )
    return guarded.create_database(name), name, password


def address(guarded: outside.OutsideServer, of: tuple[str, str, str], host: str = "localhost", **more: object) -> str:
    database, user, password = of
    options = "&".join(f"{name}={quote(str(value), safe='')}" for name, value in more.items())
    return f"postgresql://{user}:{quote(password, safe='')}@{host}:{guarded.port}/{database}?{options}"


def using(url: str, home: Path) -> Settings:
    return Settings(_env_file=None, postgres_url=url, home=home, warehouse=home / "warehouse.duckdb")  # type: ignore[call-arg, arg-type]


@pytest.fixture(scope="module")
def shops(guarded: outside.OutsideServer) -> list[tuple[str, str, str]]:
    """A database per password."""
    return [owner(guarded, number) for number in range(len(PASSWORDS))]


def connected(current: Settings) -> list[str]:
    """Which TLS psycopg speaks, and which DuckDB's extension does."""
    query = "select coalesce(version, 'none') from pg_stat_ssl where pid = pg_backend_pid()"
    with postgres.connect(current) as connection:
        row = connection.execute(query).fetchone()
    with duckdb.connect() as reading:
        warehouse.attach_postgres(reading, postgres.url(current), 5.0)
        other = reading.sql("select * from postgres_query('pg', $query)", params={"query": query}).fetchone()
    assert row
    assert other
    return [row[0], other[0]]


@pytest.mark.parametrize("number", range(len(PASSWORDS)))
def test_any_password_lets_psycopg_and_duckdb_in_over_a_checked_connection(
    guarded: outside.OutsideServer, shops: list[tuple[str, str, str]], folder: Path, tmp_path: Path, number: int
) -> None:
    url = address(guarded, shops[number], sslmode="verify-full", sslrootcert=folder / "authority.crt")
    assert connected(using(url, tmp_path)) == ["TLSv1.3", "TLSv1.3"]


def test_a_whole_refresh_over_a_checked_connection_tells_nobody_the_password(
    si: Si, guarded: outside.OutsideServer, shops: list[tuple[str, str, str]], folder: Path, tmp_path: Path
) -> None:
    url = address(guarded, shops[0], sslmode="verify-full", sslrootcert=folder / "authority.crt")
    current = using(url, tmp_path / "home")
    schema.apply(current)
    sample.generate(current, scale=0.02)
    done = si(current)("refresh")
    looked = si(current)("doctor", "--json")
    assert done.code == 0, done.err
    found = {one["what"]: one["found"] for one in looked.document}
    assert found["encryption"] == "encrypted with TLSv1.3"
    for secret in (PASSWORDS[0], quote(PASSWORDS[0], safe="")):
        assert secret not in done.out + done.err + looked.out + looked.err
        assert secret not in repr(current)
        assert secret.encode() not in current.warehouse.read_bytes()
    assert refresh.run(current).rows_written >= 0


@pytest.mark.parametrize(
    ("host", "options", "said"),
    [
        ("localhost", {"sslmode": "verify-full", "sslrootcert": "stranger.crt"}, "certificate verify failed"),
        ("127.0.0.1", {"sslmode": "verify-full", "sslrootcert": "authority.crt"}, "does not match host name"),
        ("localhost", {"sslmode": "verify-full", "sslrootcert": "nowhere.crt"}, "does not exist"),
        ("localhost", {"sslmode": "disable"}, "no encryption"),
    ],
    ids=["another authority", "another host", "no such file", "in the clear"],
)
def test_a_server_that_is_not_who_it_should_be_is_one_sentence_from_both(
    guarded: outside.OutsideServer,
    shops: list[tuple[str, str, str]],
    folder: Path,
    tmp_path: Path,
    host: str,
    options: dict[str, str],
    said: str,
) -> None:
    given = {key: folder / value if key == "sslrootcert" else value for key, value in options.items()}
    current = using(address(guarded, shops[1], host, **given), tmp_path)
    with pytest.raises(ServerError) as psycopgs:
        postgres.connect(current)
    with duckdb.connect() as reading, pytest.raises(ServerError) as duckdbs:
        warehouse.attach_postgres(reading, postgres.url(current), 5.0)
    for error in (psycopgs.value, duckdbs.value):
        assert said in error.found
        assert "certificate" in error.remedy or "encryption" in error.remedy
        assert "\n" not in str(error)
        assert_secret(error, PASSWORDS[1])


def test_a_wrong_password_is_one_sentence_without_it(
    guarded: outside.OutsideServer, shops: list[tuple[str, str, str]], tmp_path: Path
) -> None:
    database, user, _ = shops[1]
    current = using(address(guarded, (database, user, PASSWORDS[2]), sslmode="require"), tmp_path)
    with pytest.raises(ServerError, match="password authentication failed") as caught:
        postgres.connect(current)
    assert_secret(caught.value, PASSWORDS[2])
    found = doctor.findings(current, datetime.now(UTC))
    assert PASSWORDS[2] not in str(found)
    assert quote(PASSWORDS[2], safe="") not in str(found)


def test_what_else_an_address_holds_is_in_no_error_of_either_client(tmp_path: Path) -> None:
    """The password of a key, and options, which DuckDB would repeat."""
    current = using("postgresql://u@127.0.0.1:1/db?sslpassword=hunter2%22:%20&options=-c%20x%3Dhunter2", tmp_path)
    for act in (postgres.connect, refresh.run):
        with pytest.raises(ServerError, match="Connection refused") as caught:
            act(current)
        assert_secret(caught.value, "hunter2")
    said = 'IO Error: Unable to connect to Postgres at "sslpassword=hunter2": connection to server at "h" failed: no'
    assert "hunter2" not in str(warehouse.masked(duckdb.IOException(said)))
    assert str(warehouse.masked(duckdb.IOException("another"))) == "another"


def assert_secret(error: AnalyticsError, password: str) -> None:
    """Neither the error nor anything it came from holds the password."""
    chain: BaseException | None = error
    while chain is not None:
        assert password not in f"{chain} {chain!r} {vars(chain)}"
        chain = chain.__cause__ or chain.__context__


def test_the_account_of_the_machine_is_let_in_over_the_socket_without_a_password(
    guarded: outside.OutsideServer, tmp_path: Path
) -> None:
    with psycopg.connect(guarded.url, autocommit=True) as connection:
        connection.execute("create role peered login")
        row = connection.execute("show unix_socket_directories").fetchone()
    assert row
    database = guarded.create_database("peered")
    current = using(f"postgresql://peered@/{database}?host={quote(row[0], safe='')}&port={guarded.port}", tmp_path)
    assert connected(current) == ["none", "none"]
    found = {one.what: one for one in doctor.findings(current, datetime.now(UTC))}
    assert found["encryption"].found == "none, and none needed: the server is on this machine"
