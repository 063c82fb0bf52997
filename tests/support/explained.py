"""What the rows behind a number make, in the way that is said of them, in exact fractions."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from fractions import Fraction
from typing import Any

from tests.model import Row
from tests.model.rules import half_away

Rows = list[Row]


def percentile(rows: Rows, part: Fraction) -> Fraction:
    """The continuous percentile of the values: between two neighbours, as far along as it lies."""
    ordered = sorted(Fraction(row["value"]) for row in rows)
    place = part * (len(ordered) - 1)
    low, rest = int(place), place - int(place)
    return ordered[low] + rest * (ordered[min(low + 1, len(ordered) - 1)] - ordered[low])


def ratio(rows: Rows) -> Fraction | None:
    return Fraction(rows[0]["value"], rows[1]["value"]) if len(rows) == 2 and rows[1]["value"] else None


WAYS: Mapping[str, Callable[[Rows], Any]] = {
    "value of the row": lambda rows: rows[0]["value"],
    "number of rows": len,
    "number of different values": lambda rows: len({row["value"] for row in rows}),
    "least value": lambda rows: min(row["value"] for row in rows),
    "greatest value": lambda rows: max(row["value"] for row in rows),
    "microseconds from least value to greatest value": lambda rows: (
        (max(row["value"] for row in rows) - min(row["value"] for row in rows)) // timedelta(microseconds=1)
    ),
    "sum of value": lambda rows: sum(Fraction(row["value"]) for row in rows),
    "mean of value": lambda rows: sum(Fraction(row["value"]) for row in rows) / len(rows),
    "median of value": lambda rows: percentile(rows, Fraction(1, 2)),
    "p90 of value": lambda rows: percentile(rows, Fraction(9, 10)),
    "first value / second value": ratio,
    "sum of 100 x weight x (worse + equal / 2) / compared": lambda rows: sum(
        100 * Fraction(row["weight"]) * (row["worse"] + Fraction(row["equal"], 2)) / (row["compared"] or 1)
        for row in rows
    ),
    "sum of weight x total / count over sum of weight": lambda rows: (
        sum(row["weight"] * Fraction(row["total"]) / row["count"] for row in rows) / sum(row["weight"] for row in rows)
    ),
}


SIGNS: Mapping[str, Callable[[Fraction, Fraction], Fraction | None]] = {
    "-": operator.sub,
    "*": operator.mul,
    "/": lambda left, right: left / right if right else None,
}


def worked(how: str, rows: Rows) -> Any:
    """What the rows make: ``mean of value / 3600``, or ``number of rows of accepted / number of rows of sent``."""
    if how in WAYS:
        return (
            WAYS[how](rows) if rows or how in ("number of rows", "sum of value", "number of different values") else None
        )
    words = re.split(r" ([-*/]) ", how)
    values = [worked_part(word, rows) for word in words[::2]]
    if None in values:
        return None
    found: Any = Fraction(values[0])
    for sign, value in zip(words[1::2], values[1:], strict=True):
        found = None if found is None else SIGNS[sign](found, Fraction(value))
    return found


def worked_part(word: str, rows: Rows) -> Any:
    """A whole number, one of the ways, or that way of the rows of one part."""
    if word.isdecimal():
        return int(word)
    if word in WAYS:
        return worked(word, rows)
    way, _, name = word.rpartition(" of ")
    return worked(way, [row for row in rows if row["part"] == name])


def cell(how: str, decimals: int | None, empty: str | None, rows: Rows) -> Any:
    """What the rows make, rounded as it is said; without any row what is said of that."""
    if not rows and empty is not None:
        return None if empty == "null" else Fraction(empty)
    value = worked(how, rows)
    return half_away(value, decimals) if isinstance(value, Fraction) and decimals else value
