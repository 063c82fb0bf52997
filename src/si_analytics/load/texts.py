"""Checks texts, codes and truth values.

Belongs here: which texts a column takes as they are.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import polars as pl

from si_analytics.load.target import LoadColumn
from si_analytics.load.unfit import NULL_WORDS, Unfit, hold, shape

TRUTHS = ("true", "false", "t", "f", "yes", "no", "y", "n", "on", "off", "1", "0")
_CURRENCY = r"^ *[A-Za-z0-9]{1,10} *$"


def texts(column: LoadColumn) -> Callable[[pl.Series], pl.Series]:
    """Returns the converter for text columns: it keeps texts as they are; raises Unfit if too long or with a NUL."""
    limit = re.search(r"^character.*\((\d+)\)$", column.stored)
    longest = int(limit[1]) if limit and not column.is_array else None

    def convert(values: pl.Series) -> pl.Series:
        hold(~values.str.contains("\0", literal=True), values, lambda _: _nul())
        if longest is not None:
            # Postgres would silently cut off spaces at the end.
            hold(values.str.len_chars() <= longest, values, lambda value: _too_long(column, value))
        if column.name == "currency":
            good = values.str.contains(_CURRENCY) & ~values.str.strip_chars().str.to_lowercase().is_in(NULL_WORDS)
            hold(good, values, _no_currency)
        return values

    return convert


def truths(column: LoadColumn) -> Callable[[pl.Series], pl.Series]:
    """Returns the converter to true and false; it refuses `tru` and `of`, which Postgres accepts."""

    def explain(value: str) -> tuple[str, str]:
        said = f"a value like '{shape(value)}'" if value else 'the empty text ""'
        return f"{said} is neither true nor false, which {column.type} needs", "Write true or false"

    def convert(values: pl.Series) -> pl.Series:
        hold(values.str.strip_chars().str.to_lowercase().is_in(TRUTHS), values, explain)
        return values

    return convert


def refuse_nul(made: pl.Series) -> None:
    """Raises Unfit if a text, or one in a list, holds a NUL, which Postgres text cannot."""
    nested = isinstance(made.dtype, pl.List)
    flat = made.explode() if nested else made
    if flat.dtype == pl.String and flat.str.contains("\0", literal=True).any():
        raise Unfit(*_nul())


def _nul() -> tuple[str, str]:
    return "it holds a NUL character, which Postgres text cannot", "Remove it"


def _too_long(column: LoadColumn, value: str) -> tuple[str, str]:
    return f"a text of {len(value):,} characters is too long for {column.type}", "Shorten it"


def _no_currency(value: str) -> tuple[str, str]:
    word = value.strip().lower()
    said = f"'{value}'" if word in NULL_WORDS else f"a value like '{shape(value)}'" if value else 'the empty text ""'
    return f"{said} is no currency", "Write its code, like usd, or leave the cell empty where there is none"
