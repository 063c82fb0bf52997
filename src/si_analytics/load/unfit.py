"""Values that do not fit, and what to say about them.

Belongs here: `Unfit`, and what a message may show of a value.

A message shows a value if its column is open and the value looks like a number, a time or a word that stands for one.
Anything else may be about a person, perhaps in the wrong column, so the message shows only its shape.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from si_analytics.load.target import LoadColumn

NULL_WORDS = ("null", "none", "nan", "na", "n/a", "#n/a", "nil", "undefined", "\\n", "-")
TIME_WORDS = ("now", "today", "tomorrow", "yesterday", "epoch", "infinity", "-infinity", "+infinity", "allballs")
_WORDS = {*NULL_WORDS, *TIME_WORDS, "inf", "-inf", "+inf", "-nan"}
_MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*"
_NUMERIC = re.compile(
    rf"(?=.*[0-9])(?:[0-9+\-.,:;/ '\u00a0\u202f%$€£()]|{_MONTH}|(?<![a-z])[a-z]{{1,4}}(?![a-z/])|"
    r"(?<= )[a-z_]+/[a-z0-9_/+-]+){1,48}",
    re.IGNORECASE,
)
_LIKE_A_TELEPHONE = re.compile(r"\+?(?:[ ()/-]*[0-9]){9,}")
_LONGEST = 32


class Unfit(Exception):  # noqa: N818 - caught within the package and told as a LoadError
    """A column, or a value in it, that does not fit; says what is wrong and what to do.

    ``at`` is the value's position among those checked, if known.
    """

    def __init__(self, found: str, remedy: str, at: int | None = None) -> None:
        self.found, self.remedy, self.at = found, remedy, at
        super().__init__(found)


def shown(value: str, column: LoadColumn) -> str:
    """Returns `value` in quotes, or its shape if it may not be shown."""
    if not value:
        return 'the empty text ""'
    plain = _NUMERIC.fullmatch(value) and not _LIKE_A_TELEPHONE.fullmatch(value.strip())
    if column.open and (plain or value.strip().lower() in _WORDS):
        return f"'{value}'"
    return f"a value like '{shape(value)}'"


def shape(value: str) -> str:
    """Returns the shape of a text: letters as a, digits as 9, other printable characters as they are."""
    seen = "".join("a" if c.isalpha() else "9" if c.isdigit() else c if c.isprintable() else "?" for c in value)
    return seen if len(seen) <= _LONGEST else f"{seen[:_LONGEST]}..."


def hold(good: pl.Series, values: pl.Series, explain: Callable[[str], tuple[str, str]]) -> None:
    """Raises Unfit for the first of the `values` that is not `good`, with the words of `explain`."""
    wrong = (~good).fill_null(value=False).arg_true()
    if len(wrong):
        at = int(wrong[0])
        raise Unfit(*explain(values[at]), at)
