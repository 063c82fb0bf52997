"""Loads people's own data, one file per table, into the operational tables.

Belongs here: `load`, which finds the files and loads them in one transaction.

A value is loaded exactly or not at all. CSV has a header and is UTF-8 unless an option says otherwise; nothing between
two separators is null, `""` is the empty text; arrays and JSON are Postgres literals. Parquet keeps its own types:
decimals for amounts, lists for arrays, structs, maps and texts for JSON. `Options` add what the files do not say.
"""

from __future__ import annotations

import contextlib
import difflib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from si_analytics import postgres, schema
from si_analytics.errors import LoadError, SchemaError, ServerError
from si_analytics.load import placing, waiting
from si_analytics.load.comma import CommaFile
from si_analytics.load.options import Options
from si_analytics.load.parquet import ParquetFile
from si_analytics.load.placing import Change
from si_analytics.load.reading import File, LoadFile
from si_analytics.load.target import NOTHING_CHANGED, describe, refusal
from si_analytics.postgres import copying, locks, operational
from si_analytics.settings import Settings

__all__ = ["Change", "LoadReport", "Options", "load"]

Progress = Callable[[str, str, int, float], None]
"""Called after each table with the phase, the table, its rows and the seconds it took."""

_BUILD = "Build it first: si schema apply"
_READERS: dict[str, type[CommaFile] | type[ParquetFile]] = {
    ".csv": CommaFile,
    ".csv.gz": CommaFile,
    ".parquet": ParquetFile,
}


@dataclass(frozen=True)
class LoadReport:
    """The rows of each file and what became of them, which files were ignored, and notes on what to check."""

    rows: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0
    ignored: tuple[str, ...] = ()
    changes: dict[str, Change] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def load(
    settings: Settings, folder: Path | str, *, options: Options | None = None, progress: Progress | None = None
) -> LoadReport:
    """Loads the files of `folder` into the tables they are named after, in one transaction.

    Matches columns by name; a column that a file lacks takes its default. Adds rows; with other `options`, overwrites
    or replaces existing ones. If anything does not fit, loads nothing and raises LoadError, which names file, place,
    column and value.
    """
    begun = time.perf_counter()
    told = progress or (lambda *_: None)
    options = options or Options()
    files, ignored = _files(Path(folder), schema.tables(), options)
    with postgres.connect(settings, read_only=False) as connection, _speaking(folder), connection.transaction():
        locks.limit(connection, settings.lock_timeout)
        order = copying.insert_order(connection, files)
        sources = {table: _accepted(connection, table, files[table], options) for table in order}
        rows = {}
        for table, source in sources.items():
            started = time.perf_counter()
            rows[table] = waiting.fill(connection, source)
            told("read", table, rows[table], time.perf_counter() - started)
        waiting.look(connection, sources)
        started = time.perf_counter()
        changes = placing.place(
            connection, sources, lambda table, _: told("load", table, rows[table], time.perf_counter() - started)
        )
        copying.analyze(connection, order)
    notes = tuple(note for source in sources.values() for note in source.notes())
    return LoadReport(rows, time.perf_counter() - begun, ignored, changes, notes)


@contextlib.contextmanager
def _speaking(folder: Path | str) -> Iterator[None]:
    """Turns errors before and after the files into one sentence: a lost connection, a rule checked at the very end."""
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


def _files(folder: Path, tables: tuple[str, ...], options: Options) -> tuple[dict[str, File], tuple[str, ...]]:
    """Returns the file of each table that has one, and the names of unrelated files."""
    found: dict[str, File] = {}
    ignored: list[str] = []
    for path in _listed(folder):
        lower = path.name.lower()
        ending = next((ending for ending in sorted(_READERS) if lower.endswith(ending)), None)
        table = lower.removesuffix(ending or "")
        if ending is None:
            _refuse_other_formats(path, tables)
            ignored.append(path.name)
        elif path.is_dir():
            raise refusal(path.name, "it is a folder", "Write the table as one file")
        elif table not in tables:
            near = difflib.get_close_matches(table, tables, n=1)
            hint = f"Did you mean {near[0]}{ending}? " if near else "Name files after tables, like deals.csv. "
            raise refusal(path.name, f"there is no table {table}", f"{hint}Rename it or take it away")
        elif table in found:
            both = f"both {found[table].name} and {path.name} are there"
            raise LoadError(f"loading the table {table}", both, f"Keep one of them; {NOTHING_CHANGED}")
        else:
            found[table] = _READERS[ending](path, options)
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
    """Raises LoadError for a file named after a table in a format we do not read, so that nobody overlooks it."""
    table, _, form = path.name.partition(".")
    if table in tables and path.is_file() and form:
        raise refusal(
            path.name, f"it is named after a table, and .{form} is neither .csv, .csv.gz nor .parquet", "Convert it"
        )


def _accepted(connection: copying.Connection, table: str, file: File, options: Options) -> LoadFile:
    """Returns the file with its table, after checking the file's columns against the table's."""
    target = describe(connection, table)
    if not target.columns:
        there = schema.elsewhere(connection)
        remedy = f"Most tables are in the schema {there}: {operational.SETTING}={there}" if there else _BUILD
        raise SchemaError(f"loading {file.name}", f"the database has no table {table}", remedy)
    try:
        names = file.header()
    except OSError as error:
        raise refusal(file.name, "it cannot be read", f"Check the file ({error.strerror})") from error
    source = LoadFile(file, target, target.accept(file.name, names), options)
    if options.mode == "upsert" and not placing.keyed(source):
        key = ", ".join(target.key) or "a primary key"
        found = f"it lacks {key}, by which rows that are there are told"
        raise refusal(file.name, found, "Add the column, or leave out --upsert")
    return source
