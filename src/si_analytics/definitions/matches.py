"""Matches: how a row of a fact's input is found from a row of its first input.

Belongs here: reading what ``stands_on`` says, and holding it against the columns there are.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from si_analytics.definitions.fact_models import Dimension, Fact
from si_analytics.definitions.models import Source
from si_analytics.errors import DefinitionError

_CONTAINS = " contains "
_WORDS = re.compile(r"[a-z_][a-z0-9_]*(\.[a-z_][a-z0-9_]*)?")


@dataclass(frozen=True)
class Match:
    """How a row of an input is found: columns of the base, or a list of another input, and columns of the input."""

    pairs: tuple[tuple[str, str], ...]
    through: str = ""

    @property
    def left(self) -> tuple[str, ...]:
        """The columns of the base, or the list of the input it goes through."""
        return tuple(one for one, _ in self.pairs)

    @property
    def right(self) -> tuple[str, ...]:
        """The columns of the input."""
        return tuple(other for _, other in self.pairs)


def read(path: str, texts: Iterable[str]) -> tuple[Match, ...]:
    """The matches of one input; raises DefinitionError for a text that is none."""
    return tuple(_match(path, text) for text in texts)


def _match(path: str, text: str) -> Match:
    if _CONTAINS in text:
        left, _, right = (part.strip() for part in text.partition(_CONTAINS))
        through, dot, column = left.partition(".")
        if dot and _WORDS.fullmatch(left) and _WORDS.fullmatch(right):
            return Match(((column, right),), through)
    else:
        pairs = [tuple(side.strip() for side in part.split("=")) for part in text.split(" and ")]
        if all(len(pair) == 2 and all(map(_WORDS.fullmatch, pair)) for pair in pairs):
            return Match(tuple((one, other) for one, other in pairs))
    raise DefinitionError(
        path,
        f"stands_on says {text}, which is not understood",
        'Write "column = column" (with and between several), or "input.list contains column"',
    )


def require(one: Fact | Dimension, sources: Mapping[str, Source]) -> None:
    """Raise DefinitionError where ``unit`` or ``stands_on`` names an input or column that there is not."""
    inputs = [table.removeprefix("raw.") for table in one.inputs]
    for column in one.unit:
        _require_column(one, "unit", one.base, column, sources)
    for source, texts in one.stands_on.items():
        field = f"stands_on.{source}"
        if source not in inputs[1:]:
            found = f"{field} is no other table that it reads"
            raise DefinitionError(one.path, found, f"There are: {', '.join(inputs[1:]) or 'none'}")
        for match in read(one.path, texts):
            if match.through and match.through not in one.stands_on:
                found = f"{field} goes through {match.through}, which stands_on does not name"
                raise DefinitionError(one.path, found, f"Say which rows of {match.through} a unit stands on")
            for left, right in match.pairs:
                _require_column(one, field, match.through or one.base, left, sources)
                _require_column(one, field, source, right, sources)


def _require_column(one: Fact | Dimension, field: str, source: str, name: str, sources: Mapping[str, Source]) -> None:
    columns = sources[source].columns
    if name not in columns:
        near = difflib.get_close_matches(name, columns, n=1)
        hint = f"Did you mean {near[0]}? " if near else ""
        found = f"{field} names {name}, which is not read of {source}"
        raise DefinitionError(one.path, found, f"{hint}There are: {', '.join(columns)}")
