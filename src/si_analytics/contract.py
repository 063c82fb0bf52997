"""What is expected of each extracted table: its columns, their types, which may be null.

Belongs here: reading the ``Columns`` of the files in ``sql/extract``, and telling how a table in Postgres
differs from them. May import: `errors`, `sql`.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from si_analytics import sql
from si_analytics.errors import ExtractError

_NAMED = 10
_CHARACTERS = re.compile(r"(text|character varying|character)(\(\d+\))?")
_NUMERIC = re.compile(r"numeric\((\d+),(\d+)\)")
_NOT_NULL = " not null"


@dataclass(frozen=True)
class Column:
    """A column: its name, its type in Postgres's words, whether it may be null."""

    name: str
    type: str
    not_null: bool


@dataclass(frozen=True)
class Drift:
    """One difference between a table and what is expected of it; ``fatal`` where exact reading is impossible."""

    table: str
    column: str
    kind: Literal["missing", "added", "type", "null"]
    expected: str
    found: str
    fatal: bool

    def __str__(self) -> str:
        place = f"{self.table}.{self.column}"
        told = {
            "missing": f"{place} is missing",
            "added": f"{place} was added and is not read",
            "type": f"{place} is {self.found} where {self.expected} is expected",
            "null": f"{place} may be null",
        }
        return told[self.kind]


@functools.cache
def columns(table: str) -> tuple[Column, ...]:
    """The columns that are read of a table, in order."""
    found = []
    for entry in sql.read("extract", table).fields["Columns"].split(" · "):
        name, _, kind = entry.strip().partition(" ")
        found.append(Column(name, kind.removesuffix(_NOT_NULL), kind.endswith(_NOT_NULL)))
    return tuple(found)


def drift(table: str, found: Sequence[Column]) -> tuple[Drift, ...]:
    """How the `found` columns of a table differ from those expected; none where they do not.

    How long a text may be makes no difference to reading it, nor does room for larger amounts. A column that
    the schema does not declare is told of, and not read.
    """
    key, live = sql.read("extract", table).fields["Key"], {column.name: column for column in found}
    drifts = []
    for column in columns(table):
        here = live.pop(column.name, None)
        if here is None:
            drifts.append(Drift(table, column.name, "missing", column.type, "", True))
        elif here.type != column.type:
            harmless = _reads_alike(column.type, here.type)
            drifts.append(Drift(table, column.name, "type", column.type, here.type, not harmless))
        elif column.not_null and not here.not_null:
            drifts.append(Drift(table, column.name, "null", "not null", "null", column.name == key))
    added = [here for name, here in live.items() if name not in _declared(table)]
    drifts += [Drift(table, here.name, "added", "", here.type, False) for here in added]
    return tuple(drifts)


def require(drifts: Sequence[Drift]) -> None:
    """Raise one ExtractError that lists what differs, where any of it makes exact reading impossible."""
    fatal = [one for one in drifts if one.fatal]
    if not fatal:
        return
    ordered = fatal + [one for one in drifts if not one.fatal]
    others = f"; and {len(ordered) - _NAMED} more" if len(ordered) > _NAMED else ""
    raise ExtractError(
        "reading the operational tables",
        f"they are not what is expected: {'; '.join(map(str, ordered[:_NAMED]))}{others}",
        "Nothing was published; give the columns their declared types, `si schema diff` shows them all",
    )


def _reads_alike(expected: str, found: str) -> bool:
    """Whether values of both types arrive exact and equal: any text for text, more digits before the point."""
    if _CHARACTERS.fullmatch(expected) and _CHARACTERS.fullmatch(found):
        # Postgres's plain "character" pads with spaces.
        return not any(re.fullmatch(r"character(\(\d+\))?", kind) for kind in (expected, found))
    ours, theirs = _NUMERIC.fullmatch(expected), _NUMERIC.fullmatch(found)
    if ours and theirs:
        return ours[2] == theirs[2] and int(ours[1]) <= int(theirs[1]) <= 38
    return False


@functools.cache
def _declared(table: str) -> frozenset[str]:
    """Every word of the declaration of a table, its columns among them."""
    for file in sql.read_all("schema"):
        found = re.search(rf"^create table if not exists {table} \((.*?)^\);", file.text, re.DOTALL | re.MULTILINE)
        if found:
            return frozenset(re.findall(r"\w+", found[1]))
    return frozenset()
