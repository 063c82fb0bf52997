"""The file that a refresh works on: empty, a clone, a copy or an earlier file of ours; and publishing it.

Belongs here: making the working file and replacing the published file by it in a single rename, so that readers and
refreshes never wait for each other.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import duckdb

from si_analytics.settings import Settings
from si_analytics.warehouse.file import SCHEMAS, attach_published, open_file, unwritable

_WRITING_BACK_SECONDS = 0.5
_FICLONE = 0x40049409  # Linux's request to share a file's blocks; Python names it from 3.12 on


def working_path(settings: Settings) -> Path:
    """Returns the path of a refresh's working file: beside the published file, so that a rename stays on one disk."""
    return settings.warehouse.with_name(settings.warehouse.name + ".working")


def spare_path(settings: Settings) -> Path:
    """Returns the path of the spare: a former published file that nobody needs, for the next refresh to work on."""
    return settings.warehouse.with_name(settings.warehouse.name + ".spare")


def create_working(settings: Settings) -> duckdb.DuckDBPyConnection:
    """Returns an empty working file with the warehouse's schemas; removes what a dead refresh left, and the spare."""
    path = working_path(settings)
    discard_working(settings)
    discard_spare(settings)
    try:
        return open_working(settings)
    except (OSError, duckdb.IOException) as error:
        raise unwritable(path, error) from error


def open_working(settings: Settings) -> duckdb.DuckDBPyConnection:
    """Opens the working file, whatever it is, and adds the warehouse's schemas. Raises what DuckDB raises."""
    connection = open_file(working_path(settings), settings, for_postgres=True)
    try:
        for name in SCHEMAS:
            connection.execute(f"create schema if not exists {name}")
    except duckdb.Error:
        connection.close()
        raise
    return connection


def copy_to_working(settings: Settings) -> duckdb.DuckDBPyConnection | None:
    """Returns a working file that is a clone or a copy of the published one; None if nothing is published yet.

    Removes the spare file, whose room a copy may need. Raises WarehouseError if the published file is damaged, or open
    for writing elsewhere.
    """
    with duckdb.connect() as reading:
        if not attach_published(reading, settings):
            return None
        discard_spare(settings)
        cloned = clone_to_working(settings)
        if cloned is not None:
            return cloned
        path = working_path(settings)
        try:
            shutil.copyfile(settings.warehouse, path)
            return open_working(settings)
        except (OSError, duckdb.IOException) as error:
            raise unwritable(path, error) from error


def clone_to_working(settings: Settings) -> duckdb.DuckDBPyConnection | None:
    """Returns a working file that shares its blocks with the published one until either is written to.

    None if the file system has no such clones. The published file must be there and be readable.
    """
    path = working_path(settings)
    discard_working(settings)
    try:
        if _clone(settings.warehouse, path):
            return open_working(settings)
        path.unlink()
    except (OSError, duckdb.IOException) as error:
        raise unwritable(path, error) from error
    return None


def _clone(source: Path, target: Path) -> bool:
    """Asks for a clone and nothing else: `os.copy_file_range` copies where it cannot clone, and does not say so."""
    with source.open("rb") as read, target.open("wb") as written:
        try:
            fcntl.ioctl(written, _FICLONE, read.fileno())
        except OSError:
            return False  # another file system than btrfs, XFS and their like, or another system than Linux
    return True


@contextmanager
def writing_back(settings: Settings) -> Iterator[None]:
    """Syncs the working file to disk while the block writes it, so that little is left to sync afterwards.

    Raises WarehouseError if the disk refuses the data or the file is gone.
    """
    path, over = working_path(settings), threading.Event()
    try:
        file = path.open("rb")
    except OSError as error:
        raise unwritable(path, error) from error
    with file, ThreadPoolExecutor(max_workers=1) as pool:
        written = pool.submit(_write_back, file.fileno(), over)
        try:
            yield
        finally:
            over.set()
        try:
            written.result()
        except OSError as error:
            raise unwritable(path, error) from error


def _write_back(file: int, over: threading.Event) -> None:
    while True:
        os.fsync(file)
        if over.wait(_WRITING_BACK_SECONDS):
            return


def discard_working(settings: Settings) -> None:
    """Removes the working file, and DuckDB's log and spill folder beside it."""
    path = working_path(settings)
    spill = path.with_name(path.name + ".tmp")
    try:
        path.unlink(missing_ok=True)
        path.with_name(path.name + ".wal").unlink(missing_ok=True)
        if spill.is_dir():
            shutil.rmtree(spill)
    except OSError as error:
        raise unwritable(path, error) from error


def discard_spare(settings: Settings) -> None:
    """Removes the spare."""
    try:
        spare_path(settings).unlink(missing_ok=True)
    except OSError as error:
        raise unwritable(spare_path(settings), error) from error


def sync_names(folder: Path) -> None:
    """Waits until the names in a folder are on the disk."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def publish_working(settings: Settings) -> None:
    """Replaces the published file by the closed working file, in one rename that survives a crash."""
    path = working_path(settings)
    try:
        with path.open("rb") as file:
            os.fsync(file.fileno())
        path.replace(settings.warehouse)
        sync_names(settings.warehouse.parent)
    except OSError as error:
        raise unwritable(settings.warehouse, error) from error
