"""A real pgbouncer in front of a server: in transaction, session or statement mode, with as few sessions as wanted."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest

from tests.support import outside
from tests.support.outside import OutsideServer

_PATHS = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"))
_SECONDS = 20.0
READER = "pooled_reader"
"""A role besides the superuser that poolers let in, with the same password; who needs it creates it."""


@dataclass(frozen=True)
class Pooler:
    """A running pooler; whoever it lets in has the superuser's password."""

    port: int
    server: OutsideServer

    def url_of(self, database: str, user: str = "postgres") -> str:
        """The address of one database through it."""
        return f"postgresql://{user}:{quote(self.server.password)}@127.0.0.1:{self.port}/{database}"


def program() -> str:
    """The pgbouncer of this machine. Where there is none tests are left out and say so; on a build server they fail."""
    found = shutil.which("pgbouncer", path=_PATHS)
    if found is None:
        message = "there is no pgbouncer on this machine; install it with: apt-get install pgbouncer"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    return found


@contextmanager
def running(server: OutsideServer, mode: str, size: int, more: str = "") -> Iterator[Pooler]:
    """pgbouncer in front of `server`, as an ordinary account of the machine where we are root; gone at the end."""
    account = outside.ordinary_account()
    home = Path(tempfile.mkdtemp(prefix="pooler-"))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    (home / "users").write_text("".join(f'"{name}" "{server.password}"\n' for name in ("postgres", READER)))
    (home / "ini").write_text(
        f"[databases]\n* = host=127.0.0.1 port={server.port}\n"
        f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n"
        f"auth_type = scram-sha-256\nauth_file = {home}/users\npool_mode = {mode}\ndefault_pool_size = {size}\n{more}\n"
    )
    for path in (home, home / "users", home / "ini"):
        if account:
            os.chown(path, account.pw_uid, account.pw_gid)
    with (home / "log").open("w") as log:
        process = subprocess.Popen(
            [program(), str(home / "ini")],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd="/",
            user=account.pw_uid if account else None,
            group=account.pw_gid if account else None,
            extra_groups=[] if account else None,
        )
    try:
        _await(port, home / "log")
        yield Pooler(port, server)
    finally:
        process.terminate()
        process.wait(timeout=_SECONDS)
        shutil.rmtree(home)


def _await(port: int, log: Path) -> None:
    deadline = time.monotonic() + _SECONDS
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.05)
        else:
            return


def left_behind(url: str) -> list[tuple[str, str]]:
    """What an application that comes through the same pool finds otherwise than the server's own."""
    with psycopg.connect(url, autocommit=True) as application:
        found = application.execute(
            "select name, setting from pg_settings where source = 'session' and setting is distinct from"
            " reset_val and name not in"
            " ('application_name', 'transaction_isolation', 'transaction_read_only', 'transaction_deferrable')"
            " union all select 'listens', pg_listening_channels() union all select 'prepared', name from"
            " pg_prepared_statements union all select 'holds', locktype from pg_locks where pid = pg_backend_pid()"
            " and locktype = 'advisory' union all select 'temporary', relname from pg_class"
            " where relnamespace = pg_my_temp_schema() order by 1, 2"
        )
        return [(row[0], row[1]) for row in found.fetchall()]
