"""What is asked of a slice, and what cannot be.

Belongs here: the question to a slice, its filters and its mistakes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.model.dimensions import CALENDAR, Value, groupings, is_text, text_of
from tests.model.measures import parts_of
from tests.model.windows_compared import Window


@dataclass(frozen=True)
class Asked:
    """The question, checked; `window` is cut to as_of, `filters` are the values as they are read from facts."""

    names: tuple[str, ...]
    by: tuple[str, ...]
    filters: dict[str, set[Value]]
    window: Window
    tz: str
    currency: str
    week_start: int
    totals: bool
    chosen: tuple[Value, ...] | None = None  # the first grouping's values that are shown each for itself

    @property
    def facts(self) -> list[str]:
        return sorted({part.fact for name in self.names for part in parts_of(name)})

    @property
    def calendar(self) -> list[str]:
        """The periods asked by, the finest first."""
        return [unit for unit in CALENDAR if unit in self.by]


def filters_of(where: dict[str, Any] | None) -> dict[str, set[Value]]:
    """Each filtered grouping with the values asked for."""
    return {grouping: asked_values(grouping, value) for grouping, value in (where or {}).items()}


def asked_values(grouping: str, value: Any) -> set[Value]:
    """The value or values of a filter as they are read from facts; of a text (none) is null and empty."""
    several = value if isinstance(value, list | tuple | set) else [value]
    return {text_of(one) for one in several} if is_text(grouping) else set(several)


def check(asked: Asked, top: int | None, fill: bool) -> None:
    """What nobody can answer is an error."""
    for fact in asked.facts:
        unknown = {*asked.by, *asked.filters} - set(groupings(fact))
        if unknown:
            raise ValueError(f"{fact} cannot be grouped by {sorted(unknown)}")
    if len(set(asked.by)) < len(asked.by):
        raise ValueError("a grouping is named twice")
    if top is not None and not (asked.by and is_text(asked.by[0]) and top > 0):
        raise ValueError("top needs a first grouping of texts, and one value or more")
    if fill and len(asked.calendar) != 1:
        raise ValueError("only one period can be filled")
