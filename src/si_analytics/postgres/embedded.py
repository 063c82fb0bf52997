"""The Postgres server that comes with the toolkit: its data, its start and its stop.

Belongs here: one server per folder, started on demand.

The server keeps running after a command ends, so that the next command finds it. Its socket lies in its data
folder, which only the owner can enter. So whatever answers there is this folder's server, and if nothing answers no
server runs, whatever pid files a reboot or a ``kill -9`` left. A lock lets one process act at a time; Postgres's
recovery and its hold on shared memory do the rest. It listens on TCP only if asked.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from urllib.parse import quote

import filelock
import psycopg
import tenacity
from psycopg import sql

from si_analytics.errors import AnalyticsError, ServerError
from si_analytics.postgres import binaries as postgres_binaries
from si_analytics.postgres import cluster, sockets
from si_analytics.postgres.binaries import ASKED, binaries
from si_analytics.postgres.cluster import SUPERUSER

__all__ = ["DATABASE", "SUPERUSER", "Server", "binaries", "describe", "is_running", "start", "stop", "tcp_port"]

DATABASE = "source_impact"
_SECONDS = 120.0
_PATIENCE = 30.0  # for the last processes of a killed server to end
_GOODBYE = 2.0  # for a closed session to end
_LOG_BYTES = 20_000_000
_OPTIONS = {
    "unix_socket_directories": ".",
    "unix_socket_permissions": "0700",
    "wal_level": "logical",
    "max_slot_wal_keep_size": "4GB",  # a slot that nothing reads any more must not fill the disk
    "max_connections": "200",
    "shared_buffers": "256MB",
    "timezone": "UTC",
    "log_line_prefix": "%m [%p] ",
}


@dataclass(frozen=True)
class Server:
    """An embedded server: its folder, and the folder in which clients find its socket."""

    home: Path
    socket: Path

    @property
    def data(self) -> Path:
        """Postgres's own data folder."""
        return self.home / "data"

    @property
    def log(self) -> Path:
        """The server's log file."""
        return self.home / "server.log"

    @property
    def password_file(self) -> Path:
        """The file with the password for TCP, once somebody asked for TCP."""
        return self.home / "tcp-password"

    @property
    def url(self) -> str:
        """The address over the socket; it needs no password."""
        return f"postgresql://{SUPERUSER}@/{DATABASE}?host={quote(str(self.socket), safe='/')}&port={sockets.PORT}"

    def tcp_url(self, port: int, password: str | None = None) -> str:
        """Returns the address over TCP, with the password if given."""
        user = SUPERUSER if password is None else f"{SUPERUSER}:{quote(password, safe='')}"
        return f"postgresql://{user}@{sockets.LOOPBACK}:{port}/{DATABASE}"


def describe(home: Path) -> Server:
    """Returns the server of the folder `home`, running or not; touches nothing."""
    home = Path(os.path.abspath(home))  # noqa: PTH100 - resolve() would follow links, absolute() keep ".."
    return Server(home, sockets.folder(home / "data"))


def is_running(server: Server) -> bool:
    """Whether the server listens on its socket, ready or starting."""
    with _told("looking for the embedded Postgres"):
        if not sockets.is_there(server.data):
            return False
        sockets.make_reachable(server.data, server.socket)
        return sockets.listens(server.socket)


def tcp_port(server: Server) -> int | None:
    """Returns the port on 127.0.0.1 that the running server listens on; None if it listens on its socket only."""
    lines = _pid_file(server)
    return int(lines[3]) if len(lines) > 5 and lines[5] and is_running(server) else None


def tcp_password(server: Server) -> str:
    """Returns the password for TCP. Raises ServerError if nobody asked for TCP yet."""
    with _told("reading the password for TCP"):
        if not server.password_file.is_file():
            raise ServerError("reading the password for TCP", "there is none yet", "Make one: si db start --port 5433")
        return server.password_file.read_text(encoding="ascii").strip()


def start(home: Path, *, port: int | None = None, options: Mapping[str, str] = MappingProxyType({})) -> Server:
    """Returns the running server of `home`; creates it on first use, starts it if it is down.

    With `port` it also listens on 127.0.0.1 until it stops, and asks for a password there. `options` replace our
    Postgres settings at its start. Raises ServerError with the end of the server's log if it does not start.
    """
    server = describe(home)
    with _told(ASKED):
        if port is None and is_running(server) and _state(server, DATABASE) == "ready":
            return server
        server.home.mkdir(parents=True, exist_ok=True)
        with _lock(server):
            cluster.prepare(server.home, server.data, in_use=is_running(server))
            sockets.make_reachable(server.data, server.socket)
            if port is not None and is_running(server) and tcp_port(server) != port:
                _refuse_busy(server, port)
                _stop(server)
            if not is_running(server):
                _launch(server, port, options)
            _await(server)
            _complete(server, port)
    return server


def stop(home: Path) -> bool:
    """Stops the server of `home`; returns whether it was running."""
    server = describe(home)
    with _told("stopping the embedded Postgres"):
        running = is_running(server)
        if running:
            with _lock(server):
                _stop(server)
        sockets.take_away(server.data, server.socket)
        return running


def _launch(server: Server, port: int | None, asked: Mapping[str, str]) -> None:
    if port is not None:
        sockets.require_free(port)
    to = postgres_binaries.account(server.data)
    postgres_binaries.let_use(server.data, to)
    deadline = time.monotonic() + _PATIENCE
    while True:
        before = _open_log(server, to)
        sockets.clear(server.data, port or sockets.PORT)
        listening = {"port": str(port or sockets.PORT), "listen_addresses": sockets.LOOPBACK if port else ""}
        options = {**_OPTIONS, **asked, **listening}
        arguments = ["-D", ".", *(word for name, value in options.items() for word in ("-c", f"{name}={value}"))]
        number = postgres_binaries.launch(arguments, server.log, server.data, to, next(iter(_pid_file(server)), ""))
        if _comes_up(server, number):
            return
        said = server.log.read_bytes()[before:].decode(errors="replace").strip()
        if "pre-existing shared memory block" not in said or time.monotonic() > deadline:
            told = " / ".join(said.splitlines()[-3:]) or f"it did not come up within {_SECONDS:.0f} seconds"
            raise ServerError(ASKED, told, f"See {server.log}")
        time.sleep(0.5)


def _comes_up(server: Server, number: int) -> bool:
    """Waits until the server just started listens; returns False if it ended or takes too long."""
    deadline = time.monotonic() + _SECONDS
    while time.monotonic() < deadline:
        if is_running(server):
            return True
        try:
            os.kill(number, 0)
        except ProcessLookupError:
            return is_running(server)
        time.sleep(0.02)
    return False


def _await(server: Server) -> None:
    """Waits until the server accepts connections: after a crash it replays its log first."""
    deadline = time.monotonic() + _SECONDS
    while (state := _state(server, "postgres")) != "ready":
        passing = any(sign in state for sign in ("starting up", "shutting down", "not yet accepting", "recovery"))
        if not passing or time.monotonic() > deadline:
            raise ServerError(ASKED, state, f"Try again in a moment, or see {server.log}")
        time.sleep(0.05)


def _state(server: Server, database: str) -> str:
    """Returns ``ready``, or Postgres's reason why it is not."""
    try:
        _connect(server, database).close()
    except psycopg.OperationalError as error:
        return " ".join(str(error).split())
    return "ready"


def _connect(server: Server, database: str) -> psycopg.Connection[tuple[object, ...]]:
    given = {"host": str(server.socket), "port": sockets.PORT, "user": SUPERUSER, "dbname": database}
    return psycopg.connect(**given, connect_timeout=30, autocommit=True, application_name="si_analytics")  # type: ignore[arg-type]


def _complete(server: Server, port: int | None) -> None:
    """Creates the database, and sets the password if TCP was asked for."""
    with _connect(server, "postgres") as connection:
        if not connection.execute("select from pg_database where datname = %s", [DATABASE]).fetchall():
            connection.execute(sql.SQL("create database {}").format(sql.Identifier(DATABASE)))
        if port is None:
            return
        if not server.password_file.exists():
            handle = os.open(server.password_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "w", encoding="ascii") as file:
                file.write(secrets.token_urlsafe(24) + "\n")
        # Hashed here, so that the server never sees the password and cannot log it.
        secret = connection.pgconn.encrypt_password(tcp_password(server).encode(), SUPERUSER.encode(), b"scram-sha-256")
        statement = sql.SQL("alter role {} password {}")
        connection.execute(statement.format(sql.Identifier(SUPERUSER), sql.Literal(secret.decode())))


def _stop(server: Server) -> None:
    arguments = ["-D", ".", "-m", "fast", "-w", "-t", str(int(_SECONDS)), "stop"]
    done = postgres_binaries.run("pg_ctl", arguments, server.data, postgres_binaries.account(server.data))
    if done.returncode and is_running(server):
        raise ServerError("stopping the embedded Postgres", " ".join(done.stdout.split()), f"See {server.log}")


def _refuse_busy(server: Server, port: int) -> None:
    """Raises ServerError if the running server has other sessions, which a restart would end."""
    # The server lists a closed session until its process has ended.
    soon = tenacity.Retrying(
        stop=tenacity.stop_after_delay(_GOODBYE),
        wait=tenacity.wait_fixed(0.05),
        retry=tenacity.retry_if_result(bool),
        retry_error_callback=lambda state: state.outcome.result() if state.outcome else 0,
    )
    others = soon(_others, server)
    if others:
        connected = "1 session is" if others == 1 else f"{others} sessions are"
        raise ServerError(
            f"listening on port {port} as well",
            f"the server has to restart for that and {connected} connected",
            f"End them and try again, or: si db stop; si db start --port {port}",
        )


def _others(server: Server) -> int:
    """Returns the number of sessions besides this one."""
    with _connect(server, "postgres") as connection:
        return connection.execute(
            "select from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()"
        ).rowcount


def _pid_file(server: Server) -> list[str]:
    """Returns the lines of the pid file, current or left over: process, folder, start, port, socket, address, ..."""
    try:
        return (server.data / "postmaster.pid").read_text(errors="replace").split("\n")
    except FileNotFoundError:
        return []


def _open_log(server: Server, to: postgres_binaries.Account | None) -> int:
    """Gives the server a log it may write to, and starts a new one if it is too long; returns its size in bytes."""
    if server.log.exists() and server.log.stat().st_size > _LOG_BYTES:
        server.log.replace(server.log.with_name(server.log.name + ".old"))
    server.log.touch(mode=0o600)
    postgres_binaries.give(server.log, to)
    return server.log.stat().st_size


@contextlib.contextmanager
def _lock(server: Server) -> Iterator[None]:
    """Lets one process at a time start or stop the server. Raises ServerError after minutes of waiting."""
    lock = filelock.FileLock(server.home / "start.lock", timeout=2 * _SECONDS)
    try:
        lock.acquire()
    except filelock.Timeout as error:
        raise ServerError(
            ASKED, "another process has been at it for minutes", f"End that process; see {server.log}"
        ) from error
    try:
        yield
    finally:
        lock.release()


@contextlib.contextmanager
def _told(asked: str) -> Iterator[None]:
    """Turns errors of the operating system and of Postgres into one sentence."""
    try:
        yield
    except AnalyticsError:
        raise
    except psycopg.Error as error:
        raise ServerError(asked, " ".join(str(error).split()), "Try again; the log is beside the data") from error
    except OSError as error:
        where = f" ({error.filename})" if error.filename else ""
        found = f"{error.strerror or type(error).__name__}{where}"
        remedy = "Check rights and disk space there, or set SI_HOME to a folder of yours"
        raise ServerError(asked, found[0].lower() + found[1:], remedy) from error
