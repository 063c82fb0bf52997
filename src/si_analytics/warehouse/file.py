"""The warehouse file: opening it, locking out a second refresh, and attaching Postgres beside it.

Belongs here: what every DuckDB connection of ours needs. `working` has the file that a refresh works on.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator, Sequence
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

SCHEMAS = ("raw", "changes", "dimensions", "facts", "measured", "metrics", "history", "meta")
_SECRET = ("host", "port", "dbname", "user", "password")
# libpq has already resolved these: a service into its parameters, a password file into the password.
_RESOLVED = ("service", "servicefile", "passfile", "load_balance_hosts", "fallback_application_name")
_LOCK_SECONDS = 600
# The oldest DuckDB that can read a new file: this format stores texts so that they are faster to find and read.
_FORMAT = "v1.3.0"


def _literal(text: str) -> str:
    """Returns `text` as an SQL string: ATTACH is the one statement that binds no parameters."""
    return "'" + text.replace("'", "''") + "'"


def configuration(settings: Settings, *, for_postgres: bool = False) -> dict[str, str | bool | int | float | list[str]]:
    """Returns the settings for every DuckDB connection of ours: no downloads, within the memory limit.

    `for_postgres` is for one that attaches Postgres again and again and runs no SQL but ours: there
    `load_postgres_extension` checks the extension's signature once per process, not once per connection.
    """
    limit = {"memory_limit": settings.duckdb_memory} if settings.duckdb_memory else {}
    unsigned = {"allow_unsigned_extensions": True} if for_postgres else {}
    return {"autoinstall_known_extensions": False, **limit, **unsigned}


def open_file(
    path: Path, settings: Settings, *, read_only: bool = False, for_postgres: bool = False
) -> duckdb.DuckDBPyConnection:
    """Opens a DuckDB file in UTC, within the memory limit; downloads nothing. An existing file keeps its format.

    For `for_postgres` see `configuration`.
    """
    config = {**configuration(settings, for_postgres=for_postgres), "storage_compatibility_version": _FORMAT}
    connection = duckdb.connect(str(path), read_only=read_only, config=config)
    connection.execute("set global TimeZone = 'UTC'")
    return connection


@contextmanager
def writer_lock(settings: Settings, seconds: float = _LOCK_SECONDS) -> Iterator[None]:
    """Holds the lock of the one refresh that works on this warehouse; it ends with the process."""
    path = settings.warehouse.with_name(settings.warehouse.name + ".lock")
    lock = filelock.FileLock(path, timeout=seconds)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            path.touch()  # fails at once if the folder takes no file; the lock would retry until its timeout
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


def attach_published(connection: duckdb.DuckDBPyConnection, settings: Settings) -> bool:
    """Attaches the published warehouse read-only as ``published``; returns False if there is none yet."""
    if not settings.warehouse.exists():
        return False
    attach(connection, settings.warehouse, "published")
    return True


@contextmanager
def published_beside(connection: duckdb.DuckDBPyConnection, settings: Settings) -> Iterator[None]:
    """Attaches the published warehouse, if there is one, for the block, which must end its transactions."""
    attach_published(connection, settings)
    try:
        yield
    finally:
        connection.execute("detach database if exists published")


def attach(connection: duckdb.DuckDBPyConnection, path: Path, name: str) -> None:
    """Attaches the warehouse file at `path` read-only as `name`, one of our own names."""
    try:
        connection.execute(f"attach {_literal(str(path))} as {name} (read_only)")
    except duckdb.Error as error:
        asked = f"reading the warehouse {path}"
        if "set lock" in str(error):  # not any "lock": damage is told of a block
            raise WarehouseError(asked, "another program has it open for writing", "Close it there") from error
        found = "it is no DuckDB file this version reads"
        raise WarehouseError(asked, found, "Move it away and run: si refresh") from error


def insert(connection: duckdb.DuckDBPyConnection, table: str, rows: Iterable[Sequence[Any]]) -> None:
    """Inserts `rows`, which have a value for each column of `table`, in one statement.

    Passes each value as text for DuckDB to cast: for other values DuckDB's client checks every time whether pandas
    can be imported, and without pandas that takes longer than all the rest.
    """
    import pyarrow

    target = connection.table(table)
    texts = [[None if value is None else str(value) for value in row] for row in rows]
    if texts:
        columns = [pyarrow.array(column, pyarrow.string()) for column in zip(*texts, strict=True)]
        connection.from_arrow(pyarrow.table(columns, names=target.columns)).insert_into(table)


def load_postgres_extension(connection: duckdb.DuckDBPyConnection) -> None:
    """Loads the Postgres extension from its wheel; downloads and copies nothing."""
    wheel = resources.files("duckdb_extension_postgres_scanner")
    file = Path(str(wheel / "extensions" / f"v{duckdb.__version__}" / "postgres_scanner.duckdb_extension"))
    if not file.is_file():
        raise WarehouseError(
            "loading DuckDB's Postgres extension",
            f"the installed one is not for DuckDB {duckdb.__version__}",
            "Install the versions of duckdb and duckdb-extension-postgres-scanner that belong together",
        )
    found = file.stat()
    _require_signature(str(file), found.st_ino, found.st_mtime_ns, found.st_size)
    connection.load_extension(str(file))


@functools.cache
def _require_signature(file: str, *_identity: int) -> None:
    """Loads the extension where DuckDB insists on its signature, which takes as long as all the rest of attaching."""
    with duckdb.connect() as strict:
        strict.load_extension(file)


def attach_postgres(connection: duckdb.DuckDBPyConnection, address: str, lock_seconds: float) -> None:
    """Attaches the operational database read-only as ``pg``; waits at most `lock_seconds` for others' locks.

    Binds user and password into a temporary secret, so that no statement holds them; the ATTACH holds only the
    connection's other parameters.
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
    others["client_encoding"] = "UTF8"  # DuckDB's encoding, whatever the role has set for itself
    if found.pooled:
        # A pooler shares its sessions and refuses options. So we read everything on the one session that
        # `settle_postgres` prepares, with settings that end with its transaction.
        connection.execute("set pg_pool_max_connections = 1; set pg_use_ctid_scan = false")
    else:
        connection.execute("reset pg_pool_max_connections; reset pg_use_ctid_scan")
        # row_security off: a policy that hides rows from this role raises an error instead of lowering a count.
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
    """Returns `error` without the connection's parameters, which DuckDB repeats: they may hold a key's password."""
    return type(error)(re.sub(r'(?s)(Unable to connect to Postgres at ).*": ', r"\1", str(error)))


def require_letters(connection: duckdb.DuckDBPyConnection, address: str) -> None:
    """Raises ServerError if the attached database does not say which encoding its text has."""
    query = "select * from postgres_query('pg', 'select current_setting(''server_encoding'') as encoding')"
    if connection.sql(query).fetchone() == ("SQL_ASCII",):
        raise unknown_letters(address)


def settle_postgres(connection: duckdb.DuckDBPyConnection, lock_seconds: float) -> None:
    """Applies our settings to the open transaction of the attached database, until it ends.

    The server notices if the reader is gone. Reads wait at most `lock_seconds` for the locks of other sessions.
    """
    limit = f"select set_config('lock_timeout', '{lock_seconds * 1000:.0f}ms', true)"
    connection.sql("select * from postgres_query('pg', $text)", params={"text": limit}).fetchall()
    ours = project().postgres
    for asked in (ours.reading, ours.watchful):
        connection.sql("select * from postgres_query('pg', $text)", params={"text": asked.text}).fetchall()


def _not_attached(address: str, error: duckdb.Error) -> ServerError:
    import psycopg

    # libpq's own reason follows the address.
    reason = str(error).rpartition("Unable to connect to Postgres at ")[-1].strip() or "it was refused"
    return refused(address, psycopg.OperationalError(reason))


def could_not_write(error: duckdb.Error) -> bool:
    """Whether the disk caused the error: it is full, gone or read-only."""
    signs = ("Could not write", "could not write", "No space left", "Could not fsync")
    return any(sign in str(error) for sign in signs)


def unwritable(path: Path, error: Exception, remedy: str = "Check the folder and disk") -> WarehouseError:
    """Returns the error for a file that could not be written."""
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error).splitlines()[0]
    # DuckDB puts the path and the action first; the operating system's reason comes last.
    reason = reason.rsplit('": ', 1)[-1] or type(error).__name__
    return WarehouseError(f"writing the warehouse {path}", reason, remedy)
