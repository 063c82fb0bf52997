"""The data folder of the embedded Postgres: created whole or not at all, and repaired before each start.

Belongs here: what happens to the data folder while no server runs on it.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from si_analytics.errors import ServerError
from si_analytics.postgres import binaries

SUPERUSER = "postgres"
_OPTIONS = (
    # Only the owner reaches the socket, so it needs no password; TCP always does.
    "--auth-local=trust",
    "--auth-host=scram-sha-256",
    "--encoding=UTF8",
    "--locale=C",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
    f"--username={SUPERUSER}",
)


def prepare(home: Path, data: Path, *, in_use: bool) -> None:
    """Creates the data folder if needed and checks its version and rights. Raises ServerError if it is unusable."""
    version = data / "PG_VERSION"
    if not version.is_file():
        _create(home, data)
    found = version.read_text(encoding="ascii").strip()
    if found != binaries.VERSION:
        raise ServerError(
            binaries.ASKED,
            f"{data} was made by PostgreSQL {found}, the installed programs are PostgreSQL {binaries.VERSION}",
            "Dump with the old ones and load with the new, or set SI_HOME to another place",
        )
    if in_use:
        return
    if data.stat().st_uid == 0:  # copying or restoring a folder may lose its owner and mode
        binaries.give(data, binaries.account(data))
    data.chmod(0o700)


def _create(home: Path, data: Path) -> None:
    if data.exists() and any(data.iterdir()):
        raise ServerError(
            "creating the embedded Postgres", f"{data} holds something else", "Move it away, or set SI_HOME elsewhere"
        )
    for leftover in home.glob("new-*"):
        shutil.rmtree(leftover, ignore_errors=True)  # of a killed initdb, which may still be ending
    building = Path(tempfile.mkdtemp(prefix="new-", dir=home))
    try:
        to = binaries.account(data)
        binaries.give(building, to)
        binaries.let_use(building, to)
        done = binaries.run("initdb", [*_OPTIONS, "-D", str(building)], building, to)
        if done.returncode:
            found = " ".join(done.stdout.split())[-500:]
            raise ServerError("creating the embedded Postgres", found, "Check rights and disk space")
        # One rename, so that a data folder is always complete; synced before anything is put in it.
        building.replace(data)
        _sync(home)
    except BaseException:
        shutil.rmtree(building, ignore_errors=True)
        raise


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
