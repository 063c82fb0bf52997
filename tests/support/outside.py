"""A Postgres server as others run them: TCP on loopback, a password, a version of the machine's own."""

from __future__ import annotations

import itertools
import os
import pwd
import secrets
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from psycopg import sql

from si_analytics.postgres import sockets

_counter = itertools.count()
_TRANSACTIONS_IN_A_FILE = 2**20


@dataclass(frozen=True)
class OutsideServer:
    """A running server; `url` is its superuser's, on the database ``postgres``."""

    port: int
    password: str = field(repr=False)
    home: Path
    number_on_from: Callable[[int], None] = field(repr=False)
    """Have the transactions of this server, its rows frozen, numbered on from there, as half a life of work would."""

    @property
    def url(self) -> str:
        return self.url_of("postgres", "postgres", self.password)

    def url_of(self, database: str, user: str = "postgres", password: str | None = None) -> str:
        """The address of one database, for the superuser unless another user and password are named."""
        return f"postgresql://{user}:{password or self.password}@127.0.0.1:{self.port}/{database}"

    def create_role(self) -> tuple[str, str]:
        """A role that may log in and nothing else: its name and its password."""
        name, password = f"role_{os.getpid()}_{next(_counter)}", secrets.token_hex(8)
        with psycopg.connect(self.url, autocommit=True) as connection:
            statement = sql.SQL("create role {} login password {}")
            connection.execute(statement.format(sql.Identifier(name), sql.Literal(password)))
        return name, password

    def create_database(self, owner: str = "postgres", template: str = "template1") -> str:
        """The name of a new database, empty unless it is the copy of a template."""
        name = f"test_{os.getpid()}_{next(_counter)}"
        with psycopg.connect(self.url, autocommit=True) as connection:
            statement = sql.SQL("create database {} owner {} template {}")
            connection.execute(statement.format(*map(sql.Identifier, (name, owner, template))))
        return name


def installed_binaries() -> Path | None:
    """The server programs of the machine's own Postgres, found through pg_config; none where there are none."""
    config = shutil.which("pg_config")
    if config is None:
        return None
    done = subprocess.run([config, "--bindir"], capture_output=True, text=True, check=True)
    folder = Path(done.stdout.strip())
    return folder if (folder / "initdb").is_file() and (folder / "postgres").is_file() else None


@contextmanager
def running(binaries: Path, prepare: Callable[[Path], str] | None = None) -> Iterator[OutsideServer]:
    """A fresh server run by `binaries`, as an ordinary account of the machine where we are root; gone at the end.

    ``prepare`` is given its data folder before it starts, and returns further flags.
    """
    home = Path(tempfile.mkdtemp(prefix="outside-"))
    try:
        password = secrets.token_hex(12)
        (home / "password").write_text(password)
        owned(home, home / "password")
        options = ("--username=postgres", "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-sync")
        run(binaries / "initdb", *options, f"--pwfile={home / 'password'}", "-D", str(home / "data"))
        more = prepare(home / "data") if prepare else ""
        owned(*(home / "data").iterdir())
        with started(binaries, home, more) as server:
            yield OutsideServer(server.port, password, home, server.number_on_from)
    finally:
        shutil.rmtree(home)


@dataclass(frozen=True)
class Started:
    """A server at work: its port, and how to have its transactions numbered on from somewhere else."""

    port: int
    number_on_from: Callable[[int], None]


@contextmanager
def started(binaries: Path, home: Path, more: str = "") -> Iterator[Started]:
    """The server of the data below `home`, with further flags, on a port of loopback that nobody has."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    flags = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories=''"
    flags += f" -c fsync=off -c max_prepared_transactions=4 {more}"
    control = (binaries / "pg_ctl", "-D", str(home / "data"), "-w")
    start = (*control, "-l", str(home / "log"), "-o", flags, "start")

    def number_on_from(transaction: int) -> None:
        run(*control, "-m", "fast", "stop")
        _numbered_on_from(binaries, home / "data", transaction)
        run(*start)

    run(*start)
    try:
        yield Started(port, number_on_from)
    finally:
        run(*control, "-m", "immediate", "stop")


def _numbered_on_from(binaries: Path, data: Path, transaction: int) -> None:
    """Set a stopped server's next transaction, and have the file at hand that says which ones around it committed."""
    run(binaries / "pg_resetwal", "-f", "-x", str(transaction), "-D", str(data))
    file = data / "pg_xact" / f"{transaction // _TRANSACTIONS_IN_A_FILE:04X}"
    if not file.exists():
        file.write_bytes(bytes(_TRANSACTIONS_IN_A_FILE // 4))
        owned(file)


def like_the_embedded(data: Path) -> str:
    """For `running`: reached as the embedded server is, over a socket beside `data`, by whom the machine lets there."""
    (data / "pg_hba.conf").write_text("local all all trust\n")
    return f"-p {sockets.PORT} -c autovacuum=off -c listen_addresses='' -c unix_socket_directories={data.parent}"


def ordinary_account() -> pwd.struct_passwd | None:
    """An account that servers may run under, where we are root: they refuse to run as that."""
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name: entry for entry in pwd.getpwall()}
    return known.get("postgres") or known["nobody"]


def owned(*paths: Path) -> None:
    """Give these to the account that servers run under."""
    account = ordinary_account()
    for path in paths if account else ():
        os.chown(path, account.pw_uid, account.pw_gid)


def run(program: Path, *arguments: str) -> None:
    """Run a program of the server's, as the account that servers run under."""
    account = ordinary_account()
    # Into a file, not a pipe: the server inherits it and would keep a pipe open for ever.
    with tempfile.TemporaryFile("w+") as output:
        done = subprocess.run(
            [str(program), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd="/",
            user=account.pw_uid if account else None,
            group=account.pw_gid if account else None,
            extra_groups=[] if account else None,
            check=False,
        )
        output.seek(0)
        assert done.returncode == 0, f"{program.name}: {output.read()}"
