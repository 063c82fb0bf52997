"""What a user's own query may do: read the warehouse's tables, and nothing else.

Belongs here: locking the DuckDB that such queries run in, and refusing those that do more than read. Neither is
enough alone: a locked DuckDB still writes beside the files it holds, turns its logs on and reads its own file byte
by byte. What is refused follows from DuckDB's own lists, so that whatever a newer version adds is refused until
named here.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping
from typing import Any

import duckdb

from si_analytics.errors import UsageError

NO_REPLACEMENTS = {"python_enable_replacements": False}
"""With this setting, DuckDB does not take the caller's Python variables for tables."""

_TABLE_FUNCTIONS = frozenset(
    {
        *("duckdb_columns", "duckdb_constraints", "duckdb_dependencies", "duckdb_functions", "duckdb_indexes"),
        *("duckdb_keywords", "duckdb_schemas", "duckdb_sequences", "duckdb_tables", "duckdb_types", "duckdb_views"),
        *("generate_series", "histogram", "histogram_values", "icu_calendar_names", "json_each", "json_tree"),
        *("pg_timezone_names", "pragma_show", "pragma_table_info", "pragma_version", "range", "repeat", "unnest"),
    }
)
"""Table functions that compute from their arguments or read the catalog; others reach further or change the session."""

_WITH_EFFECTS = frozenset({"error", "gen_random_uuid", "random", "stats", "uuid", "uuidv4", "uuidv7"})
"""Scalar functions that DuckDB marks as having effects, although they only draw a number or stop the query."""

_OF_THE_MACHINE = frozenset({"current_setting", "getenv"})
"""Scalar functions that reveal the machine rather than the warehouse."""

_LISTED = (
    "select distinct lower(function_name), function_type, coalesce(has_side_effects, false) from duckdb_functions()"
)
_VIEWS = "select lower(view_name), lower(sql) from duckdb_views() where internal"
_NAME = re.compile(r'"(?:[^"]|"")*"|[^\s"/(-]+')
_COMMENT = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)
_HINT = "Give one query over raw, dimensions, facts, metrics, history and meta; the warehouse is only read"


def lock(connection: duckdb.DuckDBPyConnection) -> None:
    """Stop this DuckDB from opening another file or a connection, for good; what is attached stays."""
    connection.execute("set enable_external_access = false")
    connection.execute("set lock_configuration = true")


def require(connection: duckdb.DuckDBPyConnection, text: str, given: Mapping[str, Any]) -> None:
    """Raise UsageError unless `text` is one query that only reads, and `given` has exactly the values it names."""
    statements = connection.extract_statements(text)
    _require_one(connection, statements)
    _require_values(statements, given)
    # DuckDB returns a pragma as the query it stands for: check that one too.
    for written in {text, *(one.query for one in statements if one.query)}:
        _require_harmless(written)


def _require_one(connection: duckdb.DuckDBPyConnection, statements: list[duckdb.Statement]) -> None:
    """Raise UsageError unless this is one query that only reads.

    DuckDB splits a `pivot` into several statements without text: the values' type, then a query.
    """
    kinds = duckdb.StatementType
    written = [one for one in statements if one.query]
    if not statements:
        raise UsageError("the query", "it is none", _HINT)
    if len(written) > 1:
        raise UsageError("the query", "it is several", _HINT)
    if not written:
        asks = statements[-1].type == kinds.SELECT and {one.type for one in statements[:-1]} <= {kinds.CREATE}
    elif written[0].type == kinds.EXPLAIN:
        asks = len(statements) == 1 and _explains_a_query(connection, written[0].query)
    else:
        asks = len(statements) == 1 and written[0].type == kinds.SELECT
    if not asks:
        raise UsageError("the query", "it changes something", _HINT)


def _explains_a_query(connection: duckdb.DuckDBPyConnection, text: str) -> bool:
    """Whether it explains one query: EXPLAIN ANALYZE runs whatever it is given."""
    data, words = text.encode(), list(_words(text))
    at = next(number for number, (_, word) in enumerate(words) if word == "explain") + 1
    while at < len(words) and words[at][1] in ("analyze", "analyse", "verbose"):
        at += 1
    # An opening bracket starts a query, or the options before one.
    starts = [at, *(number + 1 for number, (_, word) in enumerate(words) if word == ")" and words[at][1] == "(")]
    return any(_is_query(connection, data[words[start][0] :].decode()) for start in starts if start < len(words))


def _is_query(connection: duckdb.DuckDBPyConnection, text: str) -> bool:
    try:
        return [one.type for one in connection.extract_statements(text)] == [duckdb.StatementType.SELECT]
    except duckdb.Error:
        return False


def _require_values(statements: list[duckdb.Statement], given: Mapping[str, Any]) -> None:
    wanted = {name for one in statements for name in one.named_parameters}
    if lacking := sorted(wanted - given.keys()):
        values = ", ".join(f"{name}=..." for name in lacking)
        raise UsageError("the query", f"${', $'.join(lacking)} has no value", f"Give one: warehouse.sql(..., {values})")
    if unasked := sorted(given.keys() - wanted):
        raise UsageError("the query", f"it does not name ${', $'.join(unasked)}", "Leave the value out, or name it")


def _require_harmless(text: str) -> None:
    """Raise UsageError if the query calls a refused function, or reads a view that does."""
    functions, views = refused()
    words = [word for _, word in _words(text)]
    for word, following in zip(words, [*words[1:], ""], strict=True):
        if word in views or (word in functions and following == "("):
            raise UsageError(
                "the query",
                f"{word} reaches beyond the warehouse's tables",
                "Read raw, dimensions, facts, metrics, history and meta; bring other data in with polars, beside the"
                " result",
            )


@functools.cache
def refused() -> tuple[frozenset[str], frozenset[str]]:
    """The functions a query may not call, and DuckDB's own views that call one, in lower case."""
    with duckdb.connect() as listing:
        listed = listing.sql(_LISTED).fetchall()
        of_duckdb = listing.sql(_VIEWS).fetchall()
    functions = {
        name
        for name, kind, has_effects in listed
        if (kind in ("table", "table_macro") and name not in _TABLE_FUNCTIONS)
        or (kind == "scalar" and has_effects and name not in _WITH_EFFECTS)
    }
    functions |= _OF_THE_MACHINE
    views = {name for name, query in of_duckdb if any(f"{function}(" in query for function in functions)}
    return frozenset(functions), frozenset(views)


def _words(text: str) -> Iterator[tuple[int, str]]:
    """Where each token of a query begins, in bytes, and the token: names in lower case and without their quotes."""
    data = text.encode()
    tokens = duckdb.tokenize(text)
    ends = [start for start, _ in tokens[1:]] + [len(data)]
    for (start, kind), end in zip(tokens, ends, strict=True):
        written = data[start:end].decode()
        if kind in (duckdb.token_type.identifier, duckdb.token_type.keyword):
            found = _NAME.match(written)
            name = found[0] if found else written
            yield start, name[1:-1].replace('""', '"').lower() if name.startswith('"') else name.lower()
        elif kind == duckdb.token_type.operator:
            yield start, _COMMENT.sub("", written).strip()
        else:
            yield start, ""
