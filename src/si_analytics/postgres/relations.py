"""Tables and views as Postgres holds them: kind, columns, rights, parts, and what a view shows.

Belongs here: reading them from Postgres's catalogs, through any connection that answers a query.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from si_analytics.definitions import contract, project
from si_analytics.postgres import operational

ANALYTICS = "analytics"
REFRESHES = "refreshes"
_NUMBER = 12  # where the facts about a column begin in a row of sql/postgres/sources
MARKS = frozenset({"ctid", "xmin"})
"""A row's place and the transaction that wrote it: the columns of Postgres's own that reveal changes."""
PART = "tableoid"
"""The part of a table that a row lies in; asked of tables with parts."""
VIEWS = frozenset("vm")
"""The kinds of relation that show rows of other relations."""


@dataclass(frozen=True)
class Partition:
    """A partition or child of a table that holds rows; ``shape`` describes its columns."""

    oid: int
    file: int
    kind: str
    access_method: str
    shape: str

    @property
    def identity(self) -> str:
        """Changes whenever its values may have changed without a mark on a row."""
        return f"{self.oid}:{digest([self.file, self.shape])[:16]}"


@dataclass(frozen=True)
class Relation:
    """A table or view in Postgres; ``file`` is the number of the file that holds its rows.

    ``readable``: this role may read all of it; ``marks_readable``: it may ask for a row's place and writer;
    ``part_readable``: it may ask for a row's part; ``rows_hidden``: policies apply to the role. ``stands_on`` holds
    the relations a view shows, ``closed`` the columns this role may not read. ``parts`` holds everything that stores
    rows of a partitioned or inherited table, the table itself included if it stores any.
    """

    schema: str
    name: str
    oid: int
    file: int
    kind: str
    access_method: str
    readable: bool
    marks_readable: bool
    part_readable: bool
    rows_hidden: bool
    definition: str
    stands_on: frozenset[int]
    columns: tuple[contract.ReadColumn, ...]
    numbers: tuple[int, ...]
    closed: frozenset[str]
    parts: tuple[Partition, ...] = ()


def described(answer: Callable[[str], list[tuple[Any, ...]]], schema: str) -> dict[tuple[str, str], Relation]:
    """Returns every table and view by schema and name; `answer` runs a query and returns its rows."""
    found: dict[tuple[str, str], list[tuple[Any, ...]]] = {}
    for row in answer(operational.text(project().postgres.sources.text, schema)):
        found.setdefault((row[0], row[1]), []).append(row)
    below: dict[str, list[Partition]] = {}
    for name, *part in answer(operational.text(project().postgres.parts.text, schema)):
        below.setdefault(name, []).append(Partition(*part))
    return {
        place: _relation(rows, below.get(place[1], []) if place[0] == schema else []) for place, rows in found.items()
    }


def _relation(rows: list[tuple[Any, ...]], below: Sequence[Partition]) -> Relation:
    first, real = rows[0], [row for row in rows if row[_NUMBER] is not None]
    columns = tuple(contract.ReadColumn(*row[_NUMBER + 1 : -1]) for row in real)
    numbers, closed = tuple(row[_NUMBER] for row in real), frozenset(row[_NUMBER + 1] for row in real if not row[-1])
    stands_on = frozenset(map(int, filter(None, first[_NUMBER - 1].split(","))))
    oid, file, kind, access_method = first[2:6]
    own = [Partition(oid, file, kind, access_method, digest([numbers]))] if below and kind == "r" else []
    parts = (*own, *below)
    return Relation(*first[: _NUMBER - 1], stands_on, columns, numbers, closed, parts)  # type: ignore[call-arg]


def digest(parts: Sequence[Any]) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]
