"""Reads numbers written as text, exactly as their column keeps them or not at all.

Belongs here: which ways of writing a number are accepted.

A number has digits and at most one mark, the point; it has no more decimals than its column, not counting zeros.
With `--decimal` the mark is the given one, and the other may separate thousands. Exponents are refused: where
spreadsheets write one, digits are already lost.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import polars as pl

from si_analytics.load.options import Options
from si_analytics.load.target import LoadColumn
from si_analytics.load.unfit import hold, shown

LIMITS = {"smallint": 1 << 15, "integer": 1 << 31, "bigint": 1 << 63}
_FORMS = {
    None: r"^[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)$",
    ".": r"^[+-]?(?:(?:[0-9]+|[1-9][0-9]{0,2}(?:,[0-9]{3})+)(?:\.[0-9]*)?|\.[0-9]+)$",
    ",": r"^[+-]?(?:(?:[0-9]+|[1-9][0-9]{0,2}(?:\.[0-9]{3})+)(?:,[0-9]*)?|,[0-9]+)$",
}
_THOUSANDS = r"^[+-]?[1-9][0-9]{0,2}\.[0-9]{3}$"
_EXPONENT = re.compile(r"[+-]?[0-9.,]+e[+-]?[0-9]+", re.IGNORECASE)
_WITHOUT = re.compile(r"[+-]?(?:nan|inf|infinity)", re.IGNORECASE)


def places(column: LoadColumn) -> tuple[int | None, int | None]:
    """Returns how many digits the column has before the point and after it; None for no limit."""
    if column.base in LIMITS:
        return None, 0
    found = re.fullmatch(r"numeric\((\d+),(-?\d+)\)", column.stored)
    return (int(found[1]) - int(found[2]), int(found[2])) if found else (None, None)


def numbers(column: LoadColumn, options: Options) -> Callable[[pl.Series], pl.Series]:
    """Returns the converter from text to the numeric column; it raises Unfit for a number the column cannot keep."""
    before, after = places(column)
    explain = _Explanation(column, options, before, after)

    def convert(texts: pl.Series) -> pl.Series:
        trimmed = texts.str.strip_chars()
        good = trimmed.str.contains(_FORMS[options.decimal])
        if explain.may_be_thousands:
            good &= ~trimmed.str.contains(_THOUSANDS)
        plain = _pointed(trimmed, options.decimal)
        if after is not None:
            good &= ~plain.str.contains(rf"\.[0-9]{{{max(after, 0)}}}[0-9]*[1-9]")
        if before is not None:
            good &= ~plain.str.contains(rf"^[+-]?0*[1-9][0-9]{{{before}}}")
        hold(good, texts, explain)
        return plain if column.base not in LIMITS else _whole(column, plain, texts, explain)

    return convert


def _pointed(texts: pl.Series, decimal: str | None) -> pl.Series:
    if decimal == ",":
        return texts.str.replace_all(".", "", literal=True).str.replace(",", ".", literal=True)
    return texts.str.replace_all(",", "", literal=True) if decimal == "." else texts


def _whole(column: LoadColumn, plain: pl.Series, texts: pl.Series, explain: _Explanation) -> pl.Series:
    """Returns the numbers without a point and the zeros after it, for integers of Postgres take no point."""
    made = plain.str.replace(r"\..*$", "").str.replace(r"^([+-]?)$", "${1}0").cast(pl.Int64, strict=False)
    limit = LIMITS[column.base]
    good = made.is_not_null() & (made >= -limit) & (made <= limit - 1)
    hold(good.fill_null(value=False) | texts.is_null(), texts, lambda value: explain(value, too_large=True))
    return made


class _Explanation:
    """Explains why the column cannot keep a text as a number, and what to do."""

    def __init__(self, column: LoadColumn, options: Options, before: int | None, after: int | None) -> None:
        self.column, self.decimal, self.before, self.after = column, options.decimal, before, after
        self.may_be_thousands = options.decimal is None and after is not None and after < 3
        self.form = "1234" if after == 0 else f"1234{options.decimal or '.'}{'5' * min(after or 2, 2)}"

    def __call__(self, value: str, *, too_large: bool = False) -> tuple[str, str]:
        said, text = shown(value, self.column), value.strip()
        if _WITHOUT.fullmatch(text):
            return f"{said} is no number", "Leave the cell empty where there is none"
        if _EXPONENT.fullmatch(text):
            return f"{said} is written with an exponent", f"Write all its digits, like {self.form}"
        if re.fullmatch(_FORMS[self.decimal], text) is None:
            return self._no_number(said, text)
        if self.may_be_thousands and re.fullmatch(_THOUSANDS, text):
            remedy = "Write it without thousands, or say which mark is the decimal one: --decimal . or --decimal ,"
            return f"{said} could have a mark of thousands or of decimals", remedy
        if not too_large and self._too_fine(text):
            what = "a whole number" if self.after == 0 else f"a number of at most {self.after} decimals"
            return f"{said} is not {what}, as {self.column.type} keeps it", "Round it yourself if that is meant"
        return f"{said} is too large for {self.column.type}", "Correct it"

    def _too_fine(self, text: str) -> bool:
        mark = re.escape(self.decimal or ".")
        return re.search(rf"{mark}[0-9]{{{max(self.after or 0, 0)}}}[0-9]*[1-9]", text) is not None

    def _no_number(self, said: str, text: str) -> tuple[str, str]:
        if self.decimal is None and re.fullmatch(r"[+-]?[0-9.,]*,[0-9.,]*", text):
            remedy = f"Write it like {self.form}, or say which mark is the decimal one: --decimal , or --decimal ."
            return f"{said} has a comma", remedy
        return f"{said} is no number for {self.column.type}", f"Write it like {self.form}"
