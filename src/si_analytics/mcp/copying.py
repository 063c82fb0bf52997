"""The copy of the warehouse that assistants ask: every table that is known, without the personal columns.

Belongs here: making the copy in a private folder, again after each refresh, and removing it. What is not in the file
cannot be asked for, whatever a query names: hiding columns behind views would leave the tables below them in reach.
"""

from __future__ import annotations

import secrets
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

import duckdb

from si_analytics import warehouse
from si_analytics.errors import WarehouseError
from si_analytics.mcp import privacy
from si_analytics.mcp.privacy import Personal
from si_analytics.settings import Settings

CODE = "hidden-"
"""How a code begins that stands for a personal text."""

_DIGITS = 12
_HELD = (
    "select schema_name, table_name, comment from duckdb_tables() where database_name = 'published'"
    " and list_contains($schemas, schema_name) order by all"
)

_Version = tuple[int, int, int]


class Copy:
    """The copy of one warehouse while a server runs; `current` is the path of the one of the last refresh.

    Used in a ``with`` block, which removes it at its end.
    """

    def __init__(self, using: Settings) -> None:
        self._using = using
        self._folder = tempfile.TemporaryDirectory(prefix="si-mcp-", ignore_cleanup_errors=True)
        self._secret = secrets.token_hex(16)  # kept nowhere: nobody can try names until a code comes out
        self._one_at_a_time = threading.Lock()
        self._made: list[tuple[_Version, Path]] = []

    def __enter__(self) -> Copy:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._folder.cleanup()

    @property
    def folder(self) -> Path:
        """The private folder that holds it."""
        return Path(self._folder.name)

    def current(self) -> Path:
        """The copy of the warehouse as it is published now, made if there is none yet.

        Raises WarehouseError, with what to do, if there is no warehouse.
        """
        with self._one_at_a_time:
            version = _version(self._using)
            if not self._made or self._made[-1][0] != version:
                path = self.folder / f"{len(self._made) + 1}.duckdb"
                write(self._using, path, self._secret)
                self._made.append((version, path))
                for _, older in self._made[:-2]:  # a question may still be about to open the one before
                    older.unlink(missing_ok=True)
            return self._made[-1][1]


def _version(using: Settings) -> _Version:
    """What tells one published file from the next: a refresh replaces the file and never writes into it."""
    try:
        told = using.warehouse.stat()
    except FileNotFoundError as error:
        raise _unfilled(using) from error
    return told.st_ino, told.st_mtime_ns, told.st_size


def _unfilled(using: Settings) -> WarehouseError:
    return WarehouseError(f"opening the warehouse {using.warehouse}", "there is none yet", "Fill it first: si refresh")


def write(using: Settings, path: Path, secret: str) -> None:
    """Write the copy to `path`, a new file; `secret` is what the codes are made with."""
    personal = privacy.tables()
    connection = warehouse.open_file(path, using)
    try:
        if not warehouse.attach_published(connection, using):
            raise _unfilled(using)
        for schema in warehouse.SCHEMAS:
            connection.execute(f"create schema {schema}")
        held = connection.sql(_HELD, params={"schemas": list(warehouse.SCHEMAS)}).fetchall()
        for schema, table, comment in held:
            known = personal.get(f"{schema}.{table}")
            if known is None:  # what is in it is not accounted for
                continue
            stored = connection.table(f'published.{schema}."{table}"')
            stored.select(*_kept(stored.columns, known, secret)).create(f'{schema}."{table}"')
            if comment and not known.all:  # it says of which query it is the result, which it then is as a whole
                connection.execute(
                    f"comment on table {schema}.\"{table}\" is '{comment.replace(chr(39), chr(39) * 2)}'"
                )
    except duckdb.Error as error:
        if warehouse.could_not_write(error):
            raise warehouse.unwritable(path, error, "Make room there, or set TMPDIR to a folder elsewhere") from error
        raise
    finally:
        connection.close()


def _kept(columns: list[str], personal: Personal, secret: str) -> Iterator[duckdb.Expression]:
    for column in columns:
        if column in personal.coded:
            yield _code(column, secret).alias(column)
        elif column not in personal.left_out:
            yield duckdb.ColumnExpression(column)


def _code(column: str, secret: str) -> duckdb.Expression:
    """The same code for the same text, and null for null."""
    told = duckdb.ColumnExpression(column).cast("varchar")
    text = duckdb.FunctionExpression("||", duckdb.ConstantExpression(secret), told)
    digits = duckdb.FunctionExpression(
        "left", duckdb.FunctionExpression("sha256", text), duckdb.ConstantExpression(_DIGITS)
    )
    return duckdb.FunctionExpression("||", duckdb.ConstantExpression(CODE), digits)
