"""People's own data, one file per table, into the operational tables.

Belongs here: `load`, which finds the files and carries them over in one transaction.
May import: `errors`, `settings`, `postgres`, `copying`, `schema`, and the modules of the package.

CSV as PostgreSQL means it: comma, double quotes, a header, UTF-8 (a byte order mark is skipped); nothing between
two commas is null, `""` is the empty text; arrays and JSON are Postgres literals; a time without a zone is UTC.
Parquet with its own types: lists for arrays; structs, maps and texts for JSON; moments with a zone only.
"""

from __future__ import annotations

import contextlib
import difflib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from psycopg import sql

from si_analytics import copying, postgres, schema
from si_analytics.errors import LoadError, SchemaError, ServerError
from si_analytics.load import refusals
from si_analytics.load.comma import CommaFile
from si_analytics.load.parquet import ParquetFile
from si_analytics.load.target import NOTHING_CHANGED, Target, describe, refusal
from si_analytics.settings import Settings

__all__ = ["LoadReport", "load"]

Progress = Callable[[str, str, int, float], None]
"""Called after each table with the phase, the table, its rows and the seconds it took."""

File = CommaFile | ParquetFile
_READERS: dict[str, type[CommaFile] | type[ParquetFile]] = {".csv": CommaFile, ".parquet": ParquetFile}


@dataclass(frozen=True)
class LoadReport:
    """How many rows went into each table, and which files of the folder were none of ours."""

    rows: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0
    ignored: tuple[str, ...] = ()


def load(settings: Settings, folder: Path | str, *, progress: Progress | None = None) -> LoadReport:
    """Append the files of `folder` to the tables they are named after, in one transaction.

    Columns are matched by name; one that a file leaves out takes its default. Raises LoadError, naming file, place
    and column, where anything does not fit; then nothing was loaded.
    """
    begun = time.perf_counter()
    files, ignored = _files(Path(folder), schema.tables())
    rows: dict[str, int] = {}
    with postgres.connect(settings, read_only=False) as connection, _speaking(folder), connection.transaction():
        order = copying.insert_order(connection, files)
        targets = {table: _accepted(connection, table, files[table]) for table in order}
        for table, (target, names) in targets.items():
            started = time.perf_counter()
            rows[table] = _copy(connection, files[table], target, names)
            if progress:
                progress("load", table, rows[table], time.perf_counter() - started)
        copying.analyze(connection, order)
    return LoadReport(rows, time.perf_counter() - begun, ignored)


@contextlib.contextmanager
def _speaking(folder: Path | str) -> Iterator[None]:
    """What goes wrong before and after the files: a lost connection, a rule that is checked at the very end."""
    try:
        yield
    except psycopg.Error as error:
        limit = postgres.time_limit(error)
        if limit or isinstance(error, psycopg.OperationalError):
            said = " ".join((error.diag.message_primary or str(error)).split())
            remedy = f"{limit or 'See that the server is up and has room'}; {NOTHING_CHANGED}"
            raise ServerError(f"loading {folder}", said, remedy) from error
        rule = f", rule {error.diag.constraint_name}" if error.diag.constraint_name else ""
        found = f"Postgres refused it at the end (SQLSTATE {error.sqlstate}{rule})"
        raise LoadError(f"loading {folder}", found, f"See the server's log; {NOTHING_CHANGED}") from None


def _files(folder: Path, tables: tuple[str, ...]) -> tuple[dict[str, File], tuple[str, ...]]:
    """The file of each table there is one for, and the names of what is something else altogether."""
    found: dict[str, File] = {}
    ignored: list[str] = []
    for path in _listed(folder):
        reader = _READERS.get(path.suffix.lower())
        if reader is None:
            _refuse_other_formats(path, tables)
            ignored.append(path.name)
        elif path.is_dir():
            raise refusal(path.name, "it is a folder", "Write the table as one file")
        elif path.stem not in tables:
            near = difflib.get_close_matches(path.stem.lower(), tables, n=1)
            hint = f"Did you mean {near[0]}{path.suffix}? " if near else "Name files after tables, like deals.csv. "
            raise refusal(path.name, f"there is no table {path.stem}", f"{hint}Rename it or take it away")
        elif path.stem in found:
            both = f"both {found[path.stem].name} and {path.name} are there"
            raise LoadError(f"loading the table {path.stem}", both, f"Keep one of them; {NOTHING_CHANGED}")
        else:
            found[path.stem] = reader(path)
    if not found:
        raise LoadError(
            f"loading {folder}", "it holds no CSV or Parquet file", "Put files in like deals.csv, users.parquet"
        )
    return found, tuple(ignored)


def _listed(folder: Path) -> list[Path]:
    if not folder.exists():
        raise LoadError(f"loading {folder}", "there is no such folder", "Give a folder of files like deals.csv")
    if not folder.is_dir():
        raise LoadError(f"loading {folder}", "it is not a folder", "Give the folder the file is in")
    try:
        return sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    except OSError as error:
        raise LoadError(f"loading {folder}", "it cannot be read", f"Check the rights ({error.strerror})") from error


def _refuse_other_formats(path: Path, tables: tuple[str, ...]) -> None:
    """A file that is plainly meant for a table but in a form we do not read is not passed over in silence."""
    table, _, form = path.name.partition(".")
    if table in tables and path.is_file() and form:
        raise refusal(path.name, f"it is named after a table, and .{form} is neither .csv nor .parquet", "Convert it")


def _accepted(connection: copying.Connection, table: str, file: File) -> tuple[Target, list[str]]:
    """The table, and the columns that the file fills."""
    target = describe(connection, table)
    if not target.columns:
        raise SchemaError(
            f"loading {file.name}", f"the database has no table {table}", "Build it first: si schema apply"
        )
    try:
        names = file.header()
    except OSError as error:
        raise refusal(file.name, "it cannot be read", f"Check the file ({error.strerror})") from error
    target.accept(file.name, names)
    return target, names


def _copy(connection: copying.Connection, file: File, target: Target, names: list[str]) -> int:
    try:
        if isinstance(file, ParquetFile):
            return copying.write(connection, target.table, file.frames(target), names)
        return _copy_text(connection, target.table, names, file.chunks())
    except psycopg.Error as error:
        # The cause is not chained: it quotes the row, which may be about a person.
        raise refusals.told(error, file, target) from None
    except OSError as error:
        raise refusal(file.name, "it cannot be read to its end", f"Check the file ({error.strerror})") from error


def _copy_text(connection: copying.Connection, table: str, names: list[str], chunks: Iterator[bytes]) -> int:
    command = sql.SQL("copy {} ({}) from stdin with (format csv, header true)").format(
        sql.Identifier("public", table), sql.SQL(", ").join(map(sql.Identifier, names))
    )
    with connection.cursor() as cursor:
        with cursor.copy(command) as copy:
            for chunk in chunks:
                copy.write(chunk)
        return cursor.rowcount
