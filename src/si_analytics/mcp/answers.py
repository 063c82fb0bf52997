"""Answers as assistants get them: rows in JSON's types, cut to a size that they can read, and how they were cut.

Belongs here: `Answer`, and turning a frame into one. Amounts stay exact, as text.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, TypedDict

import polars as pl

from si_analytics import formatting

MOST_LETTERS = 100_000
"""How many characters the rows of an answer have at most."""

LONGEST_VALUE = 1_000
"""How many characters of a text an answer shows."""


class Answer(TypedDict):
    """The rows of an answer, how many there are in all, and what a reader must know of them."""

    columns: list[str]
    rows: list[list[Any]]
    rows_in_all: int
    notes: list[str]


def of(frame: pl.DataFrame, rows: int, notes: Sequence[str] = ()) -> Answer:
    """The first `rows` rows of a frame, or fewer if they are long; `notes` come before those on what was cut.

    >>> of(polars.DataFrame({"a": [1, 2]}), rows=1)["notes"]
    ['These are the first 1 of 2 rows. Ask for fewer columns, a narrower question, or totals instead of rows']
    """
    shown, letters = list[list[Any]](), 0
    for row in formatting.rows(frame.head(rows)):
        values = [plain(value) for value in row]
        letters += len(json.dumps(values, ensure_ascii=False))
        if letters > MOST_LETTERS and shown:
            break
        shown.append(values)
    told = list(notes)
    if len(shown) < frame.height:
        told.append(
            f"These are the first {len(shown):,} of {frame.height:,} rows."
            " Ask for fewer columns, a narrower question, or totals instead of rows"
        )
    return {"columns": frame.columns, "rows": shown, "rows_in_all": frame.height, "notes": told}


def plain(value: Any) -> Any:
    """`value` in JSON's types: amounts, times and ids as text, a long text cut, NaN and infinity as null.

    >>> plain(decimal.Decimal("1.50"))
    '1.50'
    """
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple | pl.Series):
        return [plain(each) for each in value]
    if isinstance(value, float) and not -float("inf") < value < float("inf"):
        return None
    if value is None or isinstance(value, bool | int | float):
        return value
    return _cut(_text(value))


def _text(value: Any) -> str:
    if isinstance(value, Decimal):
        return f"{value:f}"
    return value.isoformat() if isinstance(value, datetime | date) else str(value)


def _cut(text: str) -> str:
    if len(text) <= LONGEST_VALUE:
        return text
    return f"{text[:LONGEST_VALUE]}… ({len(text):,} characters in all)"
