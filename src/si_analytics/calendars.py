"""Which day a week begins with and which month a fiscal year, and the names of both.

Belongs here: `Calendar`, a value that is passed as an argument, and reading the English names of weekdays and months.
"""

from __future__ import annotations

from dataclasses import dataclass

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
MONTHS = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)


@dataclass(frozen=True)
class Calendar:
    """The day a week begins with, from 1 (Monday) to 7, and the month a fiscal year begins with, from 1 to 12.

    >>> Calendar(week_start=7, fiscal_start=4)
    Calendar(week_start=7, fiscal_start=4)
    """

    week_start: int = 1
    fiscal_start: int = 1

    def __post_init__(self) -> None:
        if not 1 <= self.week_start <= 7:
            raise ValueError(f"week_start {self.week_start} is not a day from 1 (Monday) to 7")
        if not 1 <= self.fiscal_start <= 12:
            raise ValueError(f"fiscal_start {self.fiscal_start} is not a month from 1 to 12")


STANDARD = Calendar()
"""Weeks that begin on Monday, fiscal years that are those of the calendar."""


def weekday(text: str) -> int | None:
    """Returns the number of a weekday, 1 for Monday, by its name or the name's first three letters; else None.

    >>> weekday("Sun")
    7
    """
    return _numbered(text, WEEKDAYS)


def month(text: str) -> int | None:
    """Returns the number of a month by its name or the name's first three letters (and Sept); else None.

    >>> month("May")
    5
    """
    return _numbered("sep" if text.strip().lower() == "sept" else text, MONTHS)


def _numbered(text: str, names: tuple[str, ...]) -> int | None:
    written = text.strip().lower()
    found = [number for number, name in enumerate(names, 1) if written in {name, name[:3]}]
    return found[0] if found else None
