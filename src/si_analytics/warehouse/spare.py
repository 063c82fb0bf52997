"""The spare: an earlier published file that nobody needs, which the next refresh brings up instead of copying.

Belongs here: setting a file aside as the spare, and making it the working file if nobody else can be reading it.
"""

from __future__ import annotations

import fcntl
import os
import signal
from pathlib import Path

import duckdb

from si_analytics.settings import Settings
from si_analytics.warehouse.file import unwritable
from si_analytics.warehouse.working import discard_working, open_working, spare_path, sync_names, working_path

NONE = "there is no spare file"


def keep_replaced(settings: Settings) -> None:
    """Gives the published file, which is about to be replaced, a second name: the spare's.

    Until the rename that replaces it, the file has two names, and `take` leaves such a file alone.
    """
    spare = spare_path(settings)
    named = spare.with_name(spare.name + ".new")
    try:
        named.unlink(missing_ok=True)
        os.link(settings.warehouse.resolve(), named)
        named.replace(spare)
        named.unlink(missing_ok=True)  # renaming one name of a file to another of its names keeps both
    except OSError:
        return  # nothing published yet, or no second names here: the next refresh copies


def set_aside(path: Path, settings: Settings) -> None:
    """Makes the file at `path`, which is no longer wanted under that name, the spare."""
    path.replace(spare_path(settings))


def take(settings: Settings) -> duckdb.DuckDBPyConnection | str:
    """Makes the spare the working file and opens it for writing; returns why not if it cannot be used, and removes it.

    Raises WarehouseError if the folder cannot be written.
    """
    path = working_path(settings)
    discard_working(settings)
    try:
        spare_path(settings).replace(path)
        # The new name first: after a power cut, a file that is half brought up must not pass for the spare.
        sync_names(path.parent)
    except FileNotFoundError:
        return NONE
    except OSError as error:
        raise unwritable(path, error) from error
    told = _shared(path)
    if told is None:
        try:
            return open_working(settings)
        except duckdb.Error as error:
            locked = "Could not set lock" in str(error)
            told = "another program has the spare file open" if locked else "the spare file is damaged"
    discard_working(settings)
    return told


def _shared(path: Path) -> str | None:
    """Returns how others may see what is written to this file; None if they cannot.

    A write lease is given only on a file that nobody else has open: no process, not even a part of this one, and no
    program that sets no locks, like `cp`. DuckDB's own lock does not tell as much: a process loses it as soon as it
    closes the same file a second time.
    """
    if path.stat().st_nlink != 1:
        return "the spare file has a second name"
    if not hasattr(fcntl, "F_SETLEASE"):
        return "this system does not tell who has the spare file open"
    with path.open("rb") as file:
        try:
            # Whoever opens the file now makes the system send a signal; the usual one ends the process, this one none.
            fcntl.fcntl(file, fcntl.F_SETSIG, signal.SIGURG)
            fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_WRLCK)
            fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_UNLCK)
        except OSError:
            return "another program has the spare file open, or the file system does not tell"
    return None
