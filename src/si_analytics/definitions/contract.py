"""What is expected of each extracted table: its columns, their types, which may be null.

Belongs here: telling how a table in Postgres differs from what ``sql/sources`` declares.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from si_analytics.definitions.loading import project
from si_analytics.errors import ExtractError

_NAMED = 10
_CHARACTERS = re.compile(r"(text|character varying)(\(\d+\))?")
_MOMENT = re.compile(r"timestamp(\(\d\))? with time zone")
_WHOLE = {"smallint": 5, "integer": 10, "bigint": 19}  # with the digits of their largest number
_MOST_DIGITS = 38
_VIEWS = {"v": "view", "m": "materialized view"}
_NUMERIC = re.compile(r"numeric\((\d+),(\d+)\)")


@dataclass(frozen=True)
class ReadColumn:
    """A column: its name, its type in Postgres's words, whether it may be null.

    ``bare`` is the type without the domains around it, ``text`` for all that is kept as letters; ``unique`` says
    whether an index keeps its values apart.
    """

    name: str
    type: str
    not_null: bool
    bare: str = ""
    unique: bool = True


@dataclass(frozen=True)
class Drift:
    """One difference between a table and what is expected of it; ``fatal`` where exact reading is impossible."""

    table: str
    column: str
    kind: Literal["missing", "added", "type", "null", "key", "view"]
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
            "key": f"{place} is kept unique by no index of its own: it is checked",
            "view": f"{self.table} is a {self.found} where a table is expected: all rows are read each time,"
            f" and whether {self.column} is unique is checked",
        }
        return told[self.kind]


def columns(table: str) -> tuple[ReadColumn, ...]:
    """The columns that are read of a table, in order."""
    return tuple(ReadColumn(one.name, one.type, one.not_null) for one in project().source_columns(table))


def drift(table: str, found: Sequence[ReadColumn], kind: str = "r") -> tuple[Drift, ...]:
    """How the `found` columns of a table differ from those expected; none where they do not.

    Another type is no hindrance where each of its values arrives exact. A column that the schema does not declare is
    told of, and not read. ``kind`` is Postgres's letter for what stands there: a view promises no key, which is looked
    at when it was read.
    """
    key, live = project().sources[table].key, {column.name: column for column in found}
    drifts = [Drift(table, key, "view", "table", _VIEWS[kind], False)] if kind in _VIEWS else []
    for column in columns(table):
        here = live.pop(column.name, None)
        if here is None:
            drifts.append(Drift(table, column.name, "missing", column.type, "", True))
            continue
        if here.type != column.type:
            lost = read_as(column.type, here) is None
            drifts.append(Drift(table, column.name, "type", column.type, here.type, lost))
        elif column.not_null and not here.not_null and kind not in _VIEWS:
            drifts.append(Drift(table, column.name, "null", "not null", "null", column.name == key))
        if column.name == key and not here.unique and kind not in _VIEWS:
            drifts.append(Drift(table, key, "key", "unique", "", False))
    declared = {column.name for column in project().tables[table].columns}
    added = [here for name, here in live.items() if name not in declared]
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


def read_as(expected: str, found: ReadColumn) -> str | None:
    """The type in which every value of the `found` column arrives exact; none where some may not.

    Letters stay as many as there are, numbers keep their every digit: wider ones stay wide.
    """
    bare = found.bare or found.type
    text = "text[]" if expected.endswith("[]") else "text"
    if bare == expected or (_CHARACTERS.fullmatch(expected.removesuffix("[]")) and bare == text):
        return bare
    if _MOMENT.fullmatch(expected):
        return expected if _MOMENT.fullmatch(bare) else None
    if expected in _WHOLE:
        return max(expected, bare, key=lambda kind: _WHOLE[kind]) if bare in _WHOLE else None
    ours, theirs = _digits(expected), _digits(bare)
    if ours is None or theirs is None or theirs[1] > ours[1]:
        return None
    before, after = max(ours[0], theirs[0]), ours[1]
    return f"numeric({before + after},{after})" if before + after <= _MOST_DIGITS else None


def arrives(expected: str, found: str) -> bool:
    """Whether DuckDB's own scan reads a column of type `found` as what is expected, or as wider numbers of the kind."""
    expected, found = (_CHARACTERS.sub("text", kind) for kind in (expected, found))
    ours, theirs = _NUMERIC.fullmatch(expected), _NUMERIC.fullmatch(found)
    wider = ours and theirs and ours[2] == theirs[2] and int(ours[1]) <= int(theirs[1])
    both = _MOMENT.fullmatch(expected) and _MOMENT.fullmatch(found)
    return expected == found or bool(wider) or bool(both)


def _digits(kind: str) -> tuple[int, int] | None:
    """How many digits before and after the point the numbers of a type have at most; none where there is no limit."""
    if kind in _WHOLE:
        return _WHOLE[kind], 0
    numeric = _NUMERIC.fullmatch(kind)
    return (int(numeric[1]) - int(numeric[2]), int(numeric[2])) if numeric else None
