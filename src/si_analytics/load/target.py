"""The table that a file is to go into, as the catalogue describes it.

Belongs here: reading a table's columns and rules, and holding a file's column names against them.
May import: `errors`, `operational`.

Everything is read before the first row is sent: once Postgres has refused something, the
transaction answers no more questions.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psycopg

from si_analytics import operational
from si_analytics.errors import LoadError

NOTHING_CHANGED = "nothing was loaded"


@dataclass(frozen=True)
class Column:
    """A column: its type in Postgres's words, what kind of type that is, whether a row needs a value for it."""

    name: str
    type: str
    base: str
    """The type without length, ``text`` for ``text[]`` as well; what a domain stands for."""
    is_array: bool
    required: bool
    writable: bool


@dataclass(frozen=True)
class Rule:
    """A constraint or unique index: its columns, what it says, and the table it refers to, if any."""

    columns: tuple[str, ...]
    definition: str
    refers_to: str | None


@dataclass(frozen=True)
class Target:
    """A table, its columns and its rules by name."""

    table: str
    columns: dict[str, Column]
    rules: dict[str, Rule]

    def accept(self, file: str, names: Sequence[str]) -> None:
        """Raise LoadError unless a file with columns of these names can go into the table."""
        if not set(names) & set(self.columns):
            # Perhaps a first row of data: not repeated here, it may be about persons.
            found = f"its first line names no column of the table {self.table}, so it seems to have no header"
            raise refusal(file, found, f"Begin it with a line of column names, like {','.join(list(self.columns)[:3])}")
        for position, name in enumerate(names, start=1):
            self._accept_name(file, name, position)
        doubled = sorted({name for name in names if list(names).count(name) > 1})
        if doubled:
            raise refusal(file, f"it has the column {doubled[0]} more than once", "Keep one of them")
        missing = [column.name for column in self.columns.values() if column.required and column.name not in names]
        if missing:
            found = f"it lacks the column{'s' if len(missing) > 1 else ''} {', '.join(missing)}, which every row needs"
            raise refusal(file, found, f"Add {'them' if len(missing) > 1 else 'it'}")

    def _accept_name(self, file: str, name: str, position: int) -> None:
        if not name:
            raise refusal(file, f"its column {position} has no name", "Name it, or take the column out")
        if name not in self.columns:
            near = difflib.get_close_matches(name.strip().lower(), self.columns, n=1)
            hint = f"Did you mean {near[0]}? " if near else ""
            listed = ", ".join(self.columns)
            found = f"the table {self.table} has no column '{name[:63]}'"
            raise refusal(file, found, f"{hint}Rename or remove it; there are: {listed}")
        if not self.columns[name].writable:
            raise refusal(file, f"the column {name} is computed by the database", "Take it out of the file")


def refusal(file: str, found: str, remedy: str) -> LoadError:
    """The error for a file that was not loaded."""
    return LoadError(f"loading {file}", found, f"{remedy}; {NOTHING_CHANGED}")


def describe(connection: psycopg.Connection[Any], table: str) -> Target:
    """The operational table of that name as it stands in the database."""
    columns, rules = (
        connection.execute(operational.query(connection, "load", name), {"table": table}).fetchall()
        for name in ("columns", "rules")
    )
    return Target(
        table,
        {name: Column(name, *facts) for name, *facts, _ in columns},
        {name: Rule(tuple(names), definition, refers_to) for name, names, definition, refers_to in rules},
    )
