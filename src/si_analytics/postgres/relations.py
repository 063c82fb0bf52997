"""Tables and views as they stand in Postgres: kind, columns, rights, parts, what a view shows.

Belongs here: reading them from Postgres's catalogs, through whatever connection answers a query.
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
_NUMBER = 12  # where in a row of sql/postgres/sources what is said of its column begins
MARKS = frozenset({"ctid", "xmin"})
"""Where a row lies and which transaction wrote it: the columns of Postgres's own by which changes are found."""
PART = "tableoid"
"""Which part of a table a row lies in: asked of tables that have parts."""
VIEWS = frozenset("vm")
"""The kinds of relation that show the rows of others."""


@dataclass(frozen=True)
class Part:
    """A partition of a table, or what inherits from it, that holds rows; ``shape`` tells its columns."""

    oid: int
    file: int
    kind: str
    access_method: str
    shape: str

    @property
    def identity(self) -> str:
        """Changes whenever its values may have changed without a mark."""
        return f"{self.oid}:{digest([self.file, self.shape])[:16]}"


@dataclass(frozen=True)
class Relation:
    """A table or view as it stands; ``file`` is the number of the file its rows lie in.

    ``readable`` says whether this role may read the whole of it, ``marks_readable`` whether where a row lies and who
    wrote it, ``part_readable`` in which part it lies, ``rows_hidden`` whether policies apply to it. ``stands_on`` are
    the relations that a view shows. ``closed`` names the columns this role may not read. ``parts`` are all that hold
    rows of a table that is partitioned or inherited from, itself included where it does.
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
    columns: tuple[contract.Column, ...]
    numbers: tuple[int, ...]
    closed: frozenset[str]
    parts: tuple[Part, ...] = ()


def described(answer: Callable[[str], list[tuple[Any, ...]]], schema: str) -> dict[tuple[str, str], Relation]:
    """As `relations`, of whatever answers a query."""
    found: dict[tuple[str, str], list[tuple[Any, ...]]] = {}
    for row in answer(operational.text(project().postgres.sources.text, schema)):
        found.setdefault((row[0], row[1]), []).append(row)
    below: dict[str, list[Part]] = {}
    for name, *part in answer(operational.text(project().postgres.parts.text, schema)):
        below.setdefault(name, []).append(Part(*part))
    return {
        place: _relation(rows, below.get(place[1], []) if place[0] == schema else []) for place, rows in found.items()
    }


def _relation(rows: list[tuple[Any, ...]], below: Sequence[Part]) -> Relation:
    first, real = rows[0], [row for row in rows if row[_NUMBER] is not None]
    columns = tuple(contract.Column(*row[_NUMBER + 1 : -1]) for row in real)
    numbers, closed = tuple(row[_NUMBER] for row in real), frozenset(row[_NUMBER + 1] for row in real if not row[-1])
    stands_on = frozenset(map(int, filter(None, first[_NUMBER - 1].split(","))))
    oid, file, kind, access_method = first[2:6]
    own = [Part(oid, file, kind, access_method, digest([numbers]))] if below and kind == "r" else []
    parts = (*own, *below)
    return Relation(*first[: _NUMBER - 1], stands_on, columns, numbers, closed, parts)  # type: ignore[call-arg]


def digest(parts: Sequence[Any]) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]
