"""The tables that ``sql/schema`` and ``sql/views`` declare, column by column, in words for people.

Belongs here: reading the declarations without a database.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass

from si_analytics.schema import ddl

_TABLE = re.compile(r"create table if not exists [\w.]+ \((.*)\);\n\Z", re.DOTALL)
_REMARK = re.compile(r"^-- (.*)$", re.MULTILINE)
_COLUMN = re.compile(
    r"(?P<name>[a-z]\w*) (?P<type>.*?)(?= primary key| not null| default | references | check | unique|$)"
)
_NO_COLUMN = frozenset({"primary", "unique", "constraint", "check", "foreign", "exclude"})
_REFERS = re.compile(r" references (\w+)")
_ONE_OF = re.compile(r" check \(\w+ in \(([^()]*)\)\)")
_WORD = re.compile(r"\w+")
_QUOTED = re.compile(r"'([^']*)'")


@dataclass(frozen=True)
class Column:
    """A declared column: its name, its type in the declaration's words, and what else is said of it."""

    name: str
    type: str
    required: bool
    refers_to: str = ""
    one_of: tuple[str, ...] = ()

    @property
    def facts(self) -> str:
        """What may stand in it, in words; empty where the declaration leaves it open.

        >>> declared.columns("deals")[1].facts
        'names a row of gigs, never empty'
        """
        found = (
            f"names a row of {self.refers_to}" if self.refers_to else "",
            f"one of {', '.join(self.one_of)}" if self.one_of else "",
            "never empty" if self.required else "",
        )
        return ", ".join(fact for fact in found if fact)


def columns(table: str) -> tuple[Column, ...]:
    """The columns of a declared table, in order; a table of another schema than ``public`` is named with it.

    >>> [column.name for column in declared.columns("referrals")][:2]
    ['id', 'agent_id']
    """
    found = _TABLE.search(_statements()[table].text)
    assert found is not None  # the files declare a table in one way; the tests hold them to it
    parts = [" ".join(part.split()) for part in _split(ddl.without_comments(found[1]))]
    key = {name for part in parts if part.startswith("primary key") for name in _WORD.findall(part)}
    return tuple(_column(part, key) for part in parts if part.split()[0] not in _NO_COLUMN)


def remark(table: str) -> str:
    """What the comment above a table's declaration says it holds; empty where there is none."""
    above = _statements()[table].text.partition("create table")[0].rstrip("\n").rpartition("\n\n")[2]
    return " ".join(_REMARK.findall(above))


@functools.cache
def _statements() -> dict[str, ddl.Statement]:
    return {statement.name: statement for statement in ddl.statements() if statement.kind == "table"}


def _column(part: str, key: set[str]) -> Column:
    found = _COLUMN.match(part)
    assert found is not None  # as above
    refers, listed = _REFERS.search(part), _ONE_OF.search(part)
    return Column(
        found["name"],
        found["type"],
        " not null" in part or " primary key" in part or found["name"] in key,
        refers[1] if refers else "",
        tuple(_QUOTED.findall(listed[1])) if listed else (),
    )


def _split(body: str) -> list[str]:
    """The parts of a declaration between the commas that are within no parentheses."""
    parts, depth, last = [], 0, 0
    for place, character in enumerate(body):
        depth += (character == "(") - (character == ")")
        if character == "," and depth == 0:
            parts.append(body[last:place])
            last = place + 1
    return [*parts, body[last:]]
