"""What the header of a metric or funnel promises: its columns with their units, its parameters, its inputs.

Belongs here: reading the headers of ``sql/metrics`` and ``sql/funnels`` for those who ask what a number means,
and refusing, in one sentence that names the file, a header that cannot be kept to.

A header's ``Columns`` are ``name (unit): meaning``, set off by dots in the middle of the line; what has no
unit leaves it out.
"""

from __future__ import annotations

import difflib
import functools
import graphlib
import re
from collections.abc import Iterable
from dataclasses import dataclass

import duckdb

from si_analytics.definitions import files as sql_files
from si_analytics.errors import DefinitionError

PARAMETERS = (
    "as_of",
    "since",
    "until",
    "last_moment",
    "last_day",
    "previous_since",
    "previous_until",
    "currency",
    "tz",
    "slice",
    "year_2000",
    "within_microseconds",
)
"""What a query may bind; `metrics.Parameters` gives them their values."""

LAID_OUT = frozenset({"funnel_stages", "funnel_units", "local_offsets", "meta.performance_weights"})
"""Tables that the library fills before the queries that read them."""

MONEY = "reporting currency"
FOLDERS = ("metrics", "funnels")
_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
_COLUMN = re.compile(r"(\w+)(?: \(([^)]+)\))?: (\S.*)")
_PARAMETER = re.compile(r"\$(\w+)\s+(\S.*)")
_REQUIRED = ("Dialect", "Grain", "Inputs", "Columns", "Order")


@dataclass(frozen=True)
class Column:
    """A column of a metric: its name, its unit (empty where it has none), what it says."""

    name: str
    unit: str
    meaning: str


@dataclass(frozen=True)
class Parameter:
    """A parameter of a query, without its dollar sign, and what it may be."""

    name: str
    meaning: str


@dataclass(frozen=True)
class Definition:
    """What a metric or funnel is: its file's header, read."""

    name: str
    kind: str
    summary: str
    description: str
    grain: str
    columns: tuple[Column, ...]
    parameters: tuple[Parameter, ...]
    inputs: tuple[str, ...]
    key: tuple[str, ...]
    path: str


def every() -> tuple[Definition, ...]:
    """Every metric, then every funnel, by name."""
    return tuple(of_file(file) for folder in FOLDERS for file in files(folder))


def of(name: str) -> Definition:
    """The metric or funnel `name`; raises UnknownNameError that suggests the nearest."""
    folder = "funnels" if name in sql_files.names("funnels") else "metrics"
    return of_file(sql_files.read(folder, name))


def of_file(file: sql_files.SqlFile) -> Definition:
    """What a file's header says; raises DefinitionError where that cannot be kept to."""
    return _defined(file.folder, file.name, file.text)


@functools.lru_cache(maxsize=512)
def _defined(folder: str, name: str, text: str) -> Definition:
    file = sql_files.parse(folder, name, text)
    _require_header(file)
    defined = Definition(
        name=name,
        kind=folder.removesuffix("s"),
        summary=file.summary,
        description=file.description,
        grain=file.fields["Grain"],
        columns=columns(file),
        parameters=tuple(_parameter(file, entry) for entry in file.fields.get("Params", "").split(" · ") if entry),
        inputs=file.listed("Inputs"),
        key=file.key,
        path=file.path,
    )
    _require_columns(file, defined)
    _require_query(file, defined)
    return defined


def tables_read(file: sql_files.SqlFile) -> frozenset[str]:
    """The tables a file's query reads, with their schema, common table expressions left out.

    Raises DefinitionError where SQLGlot does not understand the query.
    """
    import sqlglot
    from sqlglot import expressions
    from sqlglot.errors import SqlglotError

    try:
        query = sqlglot.parse_one(file.text, read="duckdb")
    except SqlglotError as error:
        raise not_understood(file, error) from error
    own = {common.alias for common in query.find_all(expressions.CTE)}
    tables = [table for table in query.find_all(expressions.Table) if table.db or table.name not in own]
    return frozenset(".".join(part.name for part in table.parts) for table in tables)


def files(folder: str) -> tuple[sql_files.SqlFile, ...]:
    """Every file of ``sql/metrics`` or ``sql/funnels``, by name, its header found to be in order."""
    found = sql_files.read_all(folder)
    for file in found:
        _require_inputs(file, of_file(file).inputs)
    return found


def in_order() -> tuple[str, ...]:
    """Every metric, each after those it is computed from; raises DefinitionError where they go in a circle."""
    graph = {
        file.name: sorted(
            name for space, _, name in (table.partition(".") for table in file.listed("Inputs")) if space == "metrics"
        )
        for file in files("metrics")
    }
    try:
        return tuple(graphlib.TopologicalSorter(graph).static_order())
    except graphlib.CycleError as error:
        circle = list(reversed(error.args[1]))
        raise DefinitionError(
            f"sql/metrics/{circle[0]}.sql",
            f"it is computed from itself: {' reads '.join(circle)}",
            "Let one of them read raw tables instead",
        ) from error


def columns(file: sql_files.SqlFile) -> tuple[Column, ...]:
    """The columns a file's header promises, in order."""
    return tuple(_column(file, entry) for entry in file.fields.get("Columns", "").split(" · ") if entry)


def _column(file: sql_files.SqlFile, entry: str) -> Column:
    found = _COLUMN.fullmatch(entry.strip())
    if found is None:
        raise _wrong(file, f"'{entry.strip()}' under Columns is not understood", "Write: name (unit): meaning")
    return Column(found[1], found[2] or "", found[3])


def _parameter(file: sql_files.SqlFile, entry: str) -> Parameter:
    found = _PARAMETER.fullmatch(entry.strip(" ·"))
    if found is None:
        raise _wrong(file, f"'{entry.strip()}' under Params is not understood", "Write: $name  what it may be")
    return Parameter(found[1], found[2])


def _require_header(file: sql_files.SqlFile) -> None:
    if not _NAME.fullmatch(file.name):
        raise _wrong(
            file, "a table cannot have its name", "Name the file in lower-case letters, digits and underscores"
        )
    if not file.text.startswith(f"-- {file.name}: "):
        raise _wrong(file, "it does not open by its name", f"Let its first line be: -- {file.name}: one sentence.")
    missing = [field for field in _REQUIRED if not file.fields.get(field)]
    if missing:
        raise _wrong(file, f"its header lacks {', '.join(missing)}", "Add what the other files' headers have")
    if file.fields["Dialect"] != "duckdb":
        raise _wrong(file, f"its dialect is '{file.fields['Dialect']}'", "Write it for duckdb, and say so")


def _require_columns(file: sql_files.SqlFile, defined: Definition) -> None:
    names = [column.name for column in defined.columns]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise _wrong(file, f"Columns names {', '.join(twice)} twice", "Name every column once")
    for field, wanted in (("Key", file.listed("Key")), ("Money", file.listed("Money")), ("Order", _ordered(file))):
        unknown = [name for name in wanted if name not in names]
        if unknown:
            raise _wrong(
                file, f"{field} names {', '.join(unknown)}, which Columns does not", f"There are: {', '.join(names)}"
            )
    unlisted = [column.name for column in defined.columns if column.unit == MONEY]
    unlisted = [name for name in unlisted if name not in file.listed("Money")]
    if unlisted:
        raise _wrong(file, f"{', '.join(unlisted)} is in the reporting currency", "List it under Money")


def _ordered(file: sql_files.SqlFile) -> tuple[str, ...]:
    return tuple(part.split()[0] for part in file.listed("Order"))


def _require_query(file: sql_files.SqlFile, defined: Definition) -> None:
    """Raise DefinitionError unless the file is one query that reads and binds what its header says."""
    try:
        statements = duckdb.extract_statements(file.text)
    except duckdb.Error as error:
        raise not_understood(file, error) from error
    if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
        raise _wrong(file, "it is not one query", "Let it be a single select")
    bound = set(statements[0].named_parameters)
    strange = sorted(bound - set(PARAMETERS))
    if strange:
        named = ", ".join(f"${name}" for name in PARAMETERS)
        raise _wrong(file, f"it binds ${', $'.join(strange)}, which nothing fills in", f"There are: {named}")
    _require_named(file, "Params", {parameter.name for parameter in defined.parameters}, bound)
    _require_named(file, "Inputs", set(defined.inputs), set(tables_read(file)))


def _require_named(file: sql_files.SqlFile, field: str, said: set[str], found: set[str]) -> None:
    """Raise DefinitionError unless `field` names all that was found; what it names beyond does no harm."""
    if found - said:
        verb, mark = {"Inputs": ("reads", ""), "Params": ("binds", "$")}[field]
        names = ", ".join(f"{mark}{name}" for name in sorted(found - said))
        raise _wrong(file, f"it {verb} {names}, which {field} does not name", f"Add it to {field}")


def _require_inputs(file: sql_files.SqlFile, inputs: Iterable[str]) -> None:
    """Raise DefinitionError where the file reads a table that nothing fills."""
    known = {
        f"{space}.{name}"
        for space, folder in (("raw", "extract"), ("metrics", "metrics"))
        for name in sql_files.names(folder)
    } | LAID_OUT
    for table in inputs:
        if table not in known:
            near = difflib.get_close_matches(table, sorted(known), n=1)
            hint = f"Did you mean {near[0]}?" if near else f"There are: {', '.join(sorted(known))}"
            raise _wrong(file, f"it reads {table}, which nothing fills", hint)


def other_columns(file: sql_files.SqlFile, said: list[str], found: list[str]) -> DefinitionError:
    """The error of a query that gives other columns than its header says."""
    differing = sorted({*said} ^ {*found}) or said
    return _wrong(
        file,
        f"Columns says {', '.join(said)} where the query gives {', '.join(found)}",
        f"Make them the same, in the same order; see {', '.join(differing)}",
    )


def not_understood(file: sql_files.SqlFile, error: Exception) -> DefinitionError:
    """The error of a query that SQLGlot or DuckDB refuses."""
    reason = " ".join(str(error).partition("\n")[0].split()).rstrip(".")
    return _wrong(file, f"its query is not understood ({reason})", "Try it in the duckdb shell, and mend it")


def _wrong(file: sql_files.SqlFile, found: str, remedy: str) -> DefinitionError:
    return DefinitionError(file.path, found, remedy)
