"""Facts and dimensions: one table each in the warehouse, or the query itself where it is asked as of another moment.

Belongs here: storing them, telling which of those stored describe a moment, and putting the queries of all others into
the query that reads them.
"""

from __future__ import annotations

import functools
import hashlib
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import duckdb

from si_analytics.definitions import Dimension, Fact, front_matter, project

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_HELD = """
select schema_name || '.' || table_name, comment
from duckdb_tables()
where database_name = current_database() and schema_name in ('dimensions', 'facts') and comment is not null
"""
# Listing tables takes longer than a small metric: a reader, whose file never changes, does it once.
_NOTE = """
set variable facts_held = (
    select map(coalesce(list(schema_name || '.' || table_name), []), coalesce(list(comment), []))
    from duckdb_tables()
    where database_name = 'published' and schema_name in ('dimensions', 'facts') and comment is not null
)
"""


_BEHIND = "behind "


@dataclass(frozen=True)
class Held:
    """A stored table that its sources have gone on from: as of when it is, and whether it is of today's query.

    ``as_of`` is None for one that does not depend on the moment.
    """

    as_of: datetime | None
    is_of_today: bool


def names() -> tuple[str, ...]:
    """Every dimension and fact, with its schema, in order."""
    ours = project()
    return (*(f"dimensions.{name}" for name in ours.dimensions), *(f"facts.{name}" for name in ours.facts))


def of(table: str) -> Fact | Dimension:
    """The declaration of a table that `names` lists."""
    schema, _, name = table.partition(".")
    ours = project()
    return ours.facts[name] if schema == "facts" else ours.dimensions[name]


def is_one(table: str) -> bool:
    """Whether a table named with its schema is a fact or a dimension."""
    return table.startswith(("facts.", "dimensions."))


def sources(tables: Iterable[str]) -> tuple[str, ...]:
    """These tables, each fact and dimension among them replaced by the tables its query reads."""
    read = (one for table in tables for one in (of(table).inputs if is_one(table) else (table,)))
    return tuple(dict.fromkeys(read))


def compute(connection: duckdb.DuckDBPyConnection, table: str, as_of: datetime) -> int:
    """Fill a fact or dimension anew, as of that moment; return its number of rows."""
    query = front_matter.query(of(table).text)
    connection.execute(f"create or replace table {table} as\n{query}", bound(connection, query, as_of))
    mark(connection, table, as_of)
    return count(connection, table)


def mark(connection: duckdb.DuckDBPyConnection, table: str, as_of: datetime) -> None:
    """Note in the table that it is the result of today's query, as of that moment."""
    # COMMENT binds no parameters; a digest is hexadecimal, a moment a number.
    connection.execute(f"comment on table {table} is '{_mark(table, as_of)}'")


def leave_behind(connection: duckdb.DuckDBPyConnection) -> None:
    """Note in every stored fact and dimension that its sources go on without it; drop those no file declares."""
    ours = frozenset(names())
    for table, comment in connection.sql(_HELD).fetchall():
        if table not in ours:
            connection.execute(f"drop table {table}")
        elif not comment.startswith(_BEHIND):
            connection.execute(f"comment on table {table} is '{_BEHIND}{comment}'")


def left_behind(connection: duckdb.DuckDBPyConnection) -> dict[str, Held]:
    """The stored facts and dimensions that their sources have gone on from."""
    found, ours = {}, frozenset(names())
    for table, comment in connection.sql(_HELD).fetchall():
        if comment.startswith(_BEHIND) and table in ours:
            digest, _, moment = comment.removeprefix(_BEHIND).partition(" ")
            as_of = _EPOCH + timedelta(microseconds=int(moment)) if moment else None
            found[table] = Held(as_of, digest == _digest(of(table).text))
    return found


def count(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    """The rows of a stored fact or dimension."""
    row = connection.table(table).aggregate("count(*)").fetchone()
    return int(row[0]) if row else 0


def note_stored(connection: duckdb.DuckDBPyConnection) -> None:
    """Remember on a reader's connection what the published file, attached to it and read-only, holds of them."""
    connection.execute(_NOTE)


def stored(connection: duckdb.DuckDBPyConnection, as_of: datetime) -> frozenset[str]:
    """The facts and dimensions that are stored as of that moment, by the queries of today."""
    noted = connection.sql("select getvariable('facts_held')").fetchone()
    held = noted[0] if noted and noted[0] is not None else dict(connection.sql(_HELD).fetchall())
    return frozenset(table for table in names() if held.get(table) == _mark(table, as_of))


def whole(text: str, inputs: Iterable[str], at_hand: Collection[str] = ()) -> str:
    """A query with those of its facts and dimensions put into it that are not `at_hand`."""
    missing = [table for table in inputs if is_one(table) and table not in at_hand]
    if not missing:
        return text
    steps = []
    for table in missing:
        schema, _, name = table.partition(".")
        step = f"{schema}_{name}"
        text = re.sub(rf'\b{schema}\."?{name}"?(?!\w)', step, text)
        steps.append(f"{step} as (\n\n{front_matter.query(of(table).text).rstrip()}\n\n)")
    own = front_matter.query(text)
    begins = re.match(r"(?i)\s*with\b", own)
    rest = f",\n\n{own[begins.end() :].lstrip()}" if begins else f"\n\n{own}"
    return "with\n\n" + ",\n\n".join(steps) + rest


def read(connection: duckdb.DuckDBPyConnection, text: str, inputs: Iterable[str], as_of: datetime) -> str:
    """A query as it runs on this connection: facts that are stored as of that moment are read, others worked out."""
    tables = tuple(inputs)
    return whole(text, tables, stored(connection, as_of)) if any(map(is_one, tables)) else text


def bound(connection: duckdb.DuckDBPyConnection, text: str, as_of: datetime) -> dict[str, Any]:
    """The moment, if the query asks for it."""
    return dict.fromkeys(connection.extract_statements(text)[0].named_parameters, as_of)


def _mark(table: str, as_of: datetime) -> str:
    """What a stored table says of itself: by which query, and of a fact as of when."""
    one = of(table)
    digest = _digest(one.text)
    return f"{digest} {(as_of - _EPOCH) // timedelta(microseconds=1)}" if "$as_of" in one.text else digest


@functools.lru_cache(maxsize=256)
def _digest(text: str) -> str:
    """A digest of a query, without its comments and layout."""
    words = " ".join(line for line in text.splitlines() if not line.lstrip().startswith("--")).split()
    return hashlib.sha256(" ".join(words).encode()).hexdigest()
