"""The table that a file goes into, as the catalog describes it.

Belongs here: reading a table's columns and rules, and checking a file's column names against them.

Reads everything before the first row is sent, for a transaction in which Postgres refused something answers no more
questions.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psycopg

from si_analytics.definitions import project
from si_analytics.errors import LoadError
from si_analytics.postgres import operational

NOTHING_CHANGED = "nothing was loaded"
_NUMBERS = ("numeric", "smallint", "integer", "bigint")


@dataclass(frozen=True)
class LoadColumn:
    """A column: its type in Postgres's words, what kind of type that is, whether a row needs a value for it."""

    name: str
    type: str
    base: str
    """The type without length, ``text`` also for ``text[]``; for a domain, its underlying type."""
    is_array: bool
    stored: str = ""
    """The type with its length; for a domain, its underlying type."""
    not_null: bool = False
    required: bool = False
    """Not null and without a default."""
    writable: bool = True
    preset: str | None = None
    """The default as Postgres writes it, without its type."""
    open: bool = False
    """A number, or a column we read into the warehouse: messages may show a number or time in it."""


@dataclass(frozen=True)
class Rule:
    """A constraint or unique index: its kind, columns and definition, and the table and columns it points to."""

    kind: str
    columns: tuple[str, ...]
    definition: str
    refers_to_schema: str | None
    refers_to: str | None
    columns_there: tuple[str, ...]


@dataclass(frozen=True)
class Reference:
    """A foreign key of any table that points to this one."""

    schema: str
    table: str
    columns: tuple[str, ...]
    columns_there: tuple[str, ...]


@dataclass(frozen=True)
class LoadTarget:
    """A table with its schema, its columns and rules by name, and the foreign keys that point to it."""

    table: str
    columns: dict[str, LoadColumn]
    rules: dict[str, Rule]
    references: tuple[Reference, ...] = ()
    schema: str = operational.SCHEMA

    @property
    def key(self) -> tuple[str, ...]:
        """Returns the columns of the primary key; empty if there is none."""
        return next((rule.columns for rule in self.rules.values() if rule.kind == "p"), ())

    def accept(self, file: str, given: Sequence[str]) -> list[str]:
        """Returns the table's columns that a file with these names fills. Raises LoadError if they do not fit."""
        names = [self._named(name) for name in given]
        if not set(names) & set(self.columns):
            # Not quoted, for it may be a first row of data about persons.
            found = f"its first line names no column of the table {self.table}, so it seems to have no header"
            raise refusal(file, found, f"Begin it with a line of column names, like {','.join(list(self.columns)[:3])}")
        for position, name in enumerate(names, start=1):
            self._accept_name(file, name, position)
        doubled = sorted({name for name in names if names.count(name) > 1})
        if doubled:
            raise refusal(file, f"it has the column {doubled[0]} more than once", "Keep one of them")
        missing = [column.name for column in self.columns.values() if column.required and column.name not in names]
        if missing:
            found = f"it lacks the column{'s' if len(missing) > 1 else ''} {', '.join(missing)}, which every row needs"
            raise refusal(file, found, f"Add {'them' if len(missing) > 1 else 'it'}")
        return names

    def _named(self, given: str) -> str:
        """Returns the column of that name, in whatever case; else the name without spaces around it."""
        if given in self.columns:
            return given
        folded = given.strip().lower()
        alike = [name for name in self.columns if name.lower() == folded]
        return alike[0] if len(alike) == 1 else given.strip()

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
    """Returns the error for a file that was not loaded."""
    return LoadError(f"loading {file}", found, f"{remedy}; {NOTHING_CHANGED}")


def describe(connection: psycopg.Connection[Any], table: str) -> LoadTarget:
    """Returns the operational table of that name as the database has it."""
    ours = project().postgres
    columns, rules, references = (
        connection.execute(operational.query(connection, asked), {"table": table}).fetchall()
        for asked in (ours.table_columns, ours.table_rules, ours.table_references)
    )
    source = project().sources.get(table)
    read = set(source.columns) if source else set()
    return LoadTarget(
        table,
        {name: _column(name, facts, name in read) for name, *facts, _ in columns},
        {
            name: Rule(kind, tuple(names), definition, schema, refers_to, tuple(there))
            for name, kind, names, definition, schema, refers_to, there in rules
        },
        tuple(Reference(schema, child, tuple(names), tuple(there)) for _, schema, child, names, there in references),
        operational.of(connection),
    )


def _column(name: str, facts: Sequence[Any], read: bool) -> LoadColumn:
    *others, preset = facts
    plain = None if preset is None else re.sub(r"::[a-z ]+(\(\d+\))?$", "", preset)
    return LoadColumn(*(name, *others, plain, read or others[1] in _NUMBERS))
