"""The socket of the embedded Postgres: where it is, where clients find it, whether anybody listens.

Belongs here: paths and probes, nothing that starts or stops a server.

The server binds its socket in its own data folder, by a relative path, which is never too long. Clients
need an absolute path that is short and holds no character with a meaning to libpq, a URL or a list of
hosts. If the data folder's path does not qualify, they use a symbolic link in the folder for
temporary files, and follow it only if we own it.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import socket
import tempfile
from pathlib import Path

from si_analytics.errors import ServerError, UsageError

PORT = 5432
"""The port in the socket's name: clients always use this one, whatever port the server has on TCP."""

LOOPBACK = "127.0.0.1"
_PLAIN_PATH = re.compile(r"/[A-Za-z0-9._/+=-]{1,84}")  # a socket's path has at most 103 bytes with its file name


def folder(data: Path) -> Path:
    """Returns the folder in which clients find the socket of `data`: `data` itself, or a link to it."""
    if _PLAIN_PATH.fullmatch(str(data)):
        return data
    identity = hashlib.sha256(os.fsencode(data)).hexdigest()[:16]
    name = f"si-postgres-{os.geteuid()}-{identity}"
    link = Path(tempfile.gettempdir()) / name
    return link if _PLAIN_PATH.fullmatch(str(link)) else Path("/tmp") / name


def make_reachable(data: Path, link: Path) -> None:
    """Makes `link` lead to `data`. Raises ServerError if somebody else has put something there."""
    if link == data:
        return
    try:
        found = link.lstat()
    except FileNotFoundError:
        link.symlink_to(data)
        return
    if found.st_uid != os.geteuid() or not link.is_symlink():
        raise ServerError(
            "reaching the embedded Postgres",
            f"{link} is no link of ours, and whoever put it there could answer in the server's place",
            "Have it removed, or set SI_HOME to a short path of plain letters",
        )
    if link.readlink() != data:
        link.unlink()
        link.symlink_to(data)


def take_away(data: Path, link: Path) -> None:
    """Undoes `make_reachable`."""
    if link != data and link.is_symlink() and link.readlink() == data:
        link.unlink()


def is_there(data: Path) -> bool:
    """Whether `data` holds a socket, live or left over."""
    return os.path.lexists(data / f".s.PGSQL.{PORT}")


def listens(link: Path) -> bool:
    """Whether a server listens on the socket, ready or starting; a leftover file does not count."""
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(10)
        try:
            probe.connect(str(link / f".s.PGSQL.{PORT}"))
        except (FileNotFoundError, ConnectionRefusedError):
            return False
        except (TimeoutError, BlockingIOError):
            return True  # it has more callers than it can accept at once
    return True


def clear(data: Path, port: int) -> None:
    """Removes sockets that an ended server left in its data folder, and gives the next socket the usual name."""
    for leftover in data.glob(".s.PGSQL.*"):
        leftover.unlink()
    if port != PORT:
        (data / f".s.PGSQL.{PORT}").symlink_to(f".s.PGSQL.{port}")


def require_free(port: int) -> None:
    """Raises UsageError for an invalid port number, ServerError if the port is taken."""
    asked = f"listening on {LOOPBACK} port {port}"
    if not 0 < port < 65536:
        raise UsageError(asked, "it is not between 1 and 65535", "Use one like 5433")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError as error:
            found = "another program uses it" if error.errno == errno.EADDRINUSE else str(error.strerror).lower()
            raise ServerError(asked, found, "Choose another one") from error
