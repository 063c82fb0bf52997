"""The warehouse file: a published one that readers open, a working one that a refresh fills.

Belongs here: opening DuckDB files, attaching Postgres, and replacing the published file in a single
rename, so that readers never wait for a refresh nor a refresh for them.
"""

from __future__ import annotations

import os
import re
import shutil
import threading
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from typing import Any

import duckdb
import filelock
from psycopg import conninfo

from si_analytics.definitions import project
from si_analytics.errors import ServerError, WarehouseError
from si_analytics.postgres import APPLICATION, NOTICED, place, refused, unknown_letters
from si_analytics.settings import Settings

SCHEMAS = ("raw", "metrics", "history", "meta")
_SECRET = ("host", "port", "dbname", "user", "password")
# What libpq has made something of already: a service is its parameters, a file of passwords the password in it.
_RESOLVED = ("service", "servicefile", "passfile", "load_balance_hosts", "fallback_application_name")
_LOCK_SECONDS = 600
_WRITING_BACK_SECONDS = 0.5
# The oldest DuckDB that reads a new file: from it on, texts are kept in a way that takes less time to find and to read.
_FORMAT = "v1.3.0"


def _literal(text: str) -> str:
    """`text` as an SQL string: ATTACH is the one statement that binds no parameters."""
    return "'" + text.replace("'", "''") + "'"


def configuration(settings: Settings) -> dict[str, str | bool | int | float | list[str]]:
    """What every DuckDB of ours is opened with: no downloads, within the memory limit."""
    limit = {"memory_limit": settings.duckdb_memory} if settings.duckdb_memory else {}
    return {"autoinstall_known_extensions": False, **limit}


def open_file(path: Path, settings: Settings, *, read_only: bool = False) -> duckdb.DuckDBPyConnection:
    """A connection on a DuckDB file, in UTC, within the memory limit; downloads nothing. A file keeps its format."""
    config = {**configuration(settings), "storage_compatibility_version": _FORMAT}
    connection = duckdb.connect(str(path), read_only=read_only, config=config)
    connection.execute("set global TimeZone = 'UTC'")
    return connection


def working_path(settings: Settings) -> Path:
    """The file a refresh works on, beside the published one: the rename stays on one disk."""
    return settings.warehouse.with_name(settings.warehouse.name + ".working")


@contextmanager
def writer_lock(settings: Settings, seconds: float = _LOCK_SECONDS) -> Iterator[None]:
    """Held by the one refresh that works on this warehouse; the lock goes with its process."""
    path = settings.warehouse.with_name(settings.warehouse.name + ".lock")
    lock = filelock.FileLock(path, timeout=seconds)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            path.touch()  # where no file can be made at all, the lock would be tried for until its time is up
        lock.acquire()
    except filelock.Timeout as error:
        raise WarehouseError(
            "refreshing the warehouse", "another refresh works on it", "Wait for it to end, then try again"
        ) from error
    except OSError as error:
        raise unwritable(settings.warehouse, error) from error
    try:
        yield
    finally:
        lock.release()


def create_working(settings: Settings) -> duckdb.DuckDBPyConnection:
    """An empty working file with the warehouse's schemas; whatever a dead refresh left is removed."""
    path = working_path(settings)
    discard_working(settings)
    try:
        connection = open_file(path, settings)
    except (OSError, duckdb.IOException) as error:
        raise unwritable(path, error) from error
    for name in SCHEMAS:
        connection.execute(f"create schema {name}")
    return connection


def copy_to_working(settings: Settings) -> duckdb.DuckDBPyConnection | None:
    """A working file that holds all the published one does; none where nothing is published yet.

    Raises WarehouseError where the published file is damaged, or open for writing elsewhere.
    """
    path = working_path(settings)
    with duckdb.connect() as reading:
        if not attach_published(reading, settings):
            return None
        discard_working(settings)
        try:
            shutil.copyfile(settings.warehouse, path)
            return open_file(path, settings)
        except (OSError, duckdb.IOException) as error:
            raise unwritable(path, error) from error


@contextmanager
def writing_back(settings: Settings) -> Iterator[None]:
    """Have the working file brought to the disk while the block writes it, so that little is left to wait for later.

    Raises WarehouseError where the disk refuses what was written, or the file is gone.
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
    """Remove the working file, and DuckDB's log and spill folder beside it."""
    path = working_path(settings)
    spill = path.with_name(path.name + ".tmp")
    try:
        path.unlink(missing_ok=True)
        path.with_name(path.name + ".wal").unlink(missing_ok=True)
        if spill.is_dir():
            shutil.rmtree(spill)
    except OSError as error:
        raise unwritable(path, error) from error


def publish_working(settings: Settings) -> None:
    """Put the closed working file in the place of the published one, in one rename that survives a crash."""
    path = working_path(settings)
    try:
        with path.open("rb") as file:
            os.fsync(file.fileno())
        path.replace(settings.warehouse)
        folder = os.open(settings.warehouse.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        raise unwritable(settings.warehouse, error) from error


def attach_published(connection: duckdb.DuckDBPyConnection, settings: Settings) -> bool:
    """Attach the published warehouse read-only as ``published``; false where there is none yet."""
    if not settings.warehouse.exists():
        return False
    attach(connection, settings.warehouse, "published")
    return True


@contextmanager
def published_beside(connection: duckdb.DuckDBPyConnection, settings: Settings) -> Iterator[None]:
    """Have the published warehouse attached during the block, which ends its transactions, where there is one."""
    attach_published(connection, settings)
    try:
        yield
    finally:
        connection.execute("detach database if exists published")


def attach(connection: duckdb.DuckDBPyConnection, path: Path, name: str) -> None:
    """Attach the warehouse file at `path` read-only as `name`, one of ours."""
    try:
        connection.execute(f"attach {_literal(str(path))} as {name} (read_only)")
    except duckdb.Error as error:
        asked = f"reading the warehouse {path}"
        if "lock" in str(error).lower():
            raise WarehouseError(asked, "another program has it open for writing", "Close it there") from error
        found = "it is no DuckDB file this version reads"
        raise WarehouseError(asked, found, "Move it away and run: si refresh") from error


def insert(connection: duckdb.DuckDBPyConnection, table: str, rows: Iterable[Sequence[Any]]) -> None:
    """Add `rows`, which have a value for each column of `table`, in one statement.

    Each value arrives as its text, which DuckDB casts: for every value that it is bound, DuckDB's client looks whether
    pandas can be imported, and where there is none that takes longer than all the rest.
    """
    import pyarrow

    target = connection.table(table)
    texts = [[None if value is None else str(value) for value in row] for row in rows]
    if texts:
        columns = [pyarrow.array(column, pyarrow.string()) for column in zip(*texts, strict=True)]
        connection.from_arrow(pyarrow.table(columns, names=target.columns)).insert_into(table)


def load_postgres_extension(connection: duckdb.DuckDBPyConnection) -> None:
    """Load the Postgres extension from where its wheel lies: nothing is downloaded, nothing copied."""
    wheel = resources.files("duckdb_extension_postgres_scanner")
    file = wheel / "extensions" / f"v{duckdb.__version__}" / "postgres_scanner.duckdb_extension"
    if not file.is_file():
        raise WarehouseError(
            "loading DuckDB's Postgres extension",
            f"the installed one is not for DuckDB {duckdb.__version__}",
            "Install the versions of duckdb and duckdb-extension-postgres-scanner that belong together",
        )
    connection.load_extension(str(file))


def attach_postgres(connection: duckdb.DuckDBPyConnection, address: str, lock_seconds: float) -> None:
    """Attach the operational database read-only as ``pg``; other sessions' locks are waited for so many seconds.

    Who connects, and with what password, is bound into a temporary secret, so that no statement holds
    it; only the connection's other parameters stand in the ATTACH.
    """
    load_postgres_extension(connection)
    found = place(address)
    connection.execute(
        "create or replace temporary secret operational"
        " (type postgres, host $host, port $port, database $dbname, user $user, password $password)",
        {name: found.parameters.get(name, "") for name in _SECRET},
    )
    others = {name: value for name, value in found.parameters.items() if name not in (*_SECRET, *_RESOLVED)}
    others = {**NOTICED, "connect_timeout": "15", "application_name": f"{APPLICATION} extraction", **others}
    others["client_encoding"] = "UTF8"  # whatever the role has set for itself, DuckDB's text is that
    if found.pooled:
        # A pooler hands its sessions on to others, and refuses to be given options: all is read on the one session
        # that `settle_postgres` prepares, and nothing outlives its transaction.
        connection.execute("set pg_pool_max_connections = 1; set pg_use_ctid_scan = false")
    else:
        connection.execute("reset pg_pool_max_connections; reset pg_use_ctid_scan")
        # row_security off: a policy that hides rows from this role is an error, never a smaller number.
        ours = "-c search_path=pg_catalog -c TimeZone=UTC -c row_security=off"
        ours += f" -c lock_timeout={lock_seconds * 1000:.0f}"
        others["options"] = f"{others.get('options', '')} {ours}".strip()
    text = conninfo.make_conninfo(**others)
    try:
        connection.execute(f"attach {_literal(text)} as pg (type postgres, read_only, secret operational)")
    except duckdb.Error as error:
        failure = masked(error)
    else:
        return
    raise _not_attached(address, failure) from failure


def masked(error: duckdb.Error) -> duckdb.Error:
    """`error` without the connection's parameters, which DuckDB repeats and a key's password may be among."""
    return type(error)(re.sub(r'(?s)(Unable to connect to Postgres at ).*": ', r"\1", str(error)))


def require_letters(connection: duckdb.DuckDBPyConnection, address: str) -> None:
    """Raise ServerError where the attached database keeps bytes and does not say which letters they are."""
    query = "select * from postgres_query('pg', 'select current_setting(''server_encoding'') as encoding')"
    if connection.sql(query).fetchone() == ("SQL_ASCII",):
        raise unknown_letters(address)


def settle_postgres(connection: duckdb.DuckDBPyConnection, lock_seconds: float) -> None:
    """Begin a transaction of the attached database: what it is read with, until it ends.

    The server notices where whoever reads is gone. Other sessions' locks are waited for so many seconds.
    """
    limit = f"select set_config('lock_timeout', '{lock_seconds * 1000:.0f}ms', true)"
    connection.sql("select * from postgres_query('pg', $text)", params={"text": limit}).fetchall()
    ours = project().postgres
    for asked in (ours.reading, ours.watchful):
        connection.sql("select * from postgres_query('pg', $text)", params={"text": asked.text}).fetchall()


def _not_attached(address: str, error: duckdb.Error) -> ServerError:
    import psycopg

    # What comes after where it was to connect is libpq's own reason.
    reason = str(error).rpartition("Unable to connect to Postgres at ")[-1].strip() or "it was refused"
    return refused(address, psycopg.OperationalError(reason))


def could_not_write(error: duckdb.Error) -> bool:
    """Whether the disk is what failed: it is full, gone, or may not be written to."""
    signs = ("Could not write", "could not write", "No space left", "Could not fsync")
    return any(sign in str(error) for sign in signs)


def unwritable(path: Path, error: Exception, remedy: str = "Check the folder and disk") -> WarehouseError:
    """The one-sentence error for a file that could not be written."""
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error).splitlines()[0]
    # DuckDB repeats the path, and what it was at: what the operating system said comes last.
    reason = reason.rsplit('": ', 1)[-1] or type(error).__name__
    return WarehouseError(f"writing the warehouse {path}", reason, remedy)
