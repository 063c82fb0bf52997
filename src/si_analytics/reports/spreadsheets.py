"""A frame as a file's bytes: CSV, Parquet, or a sheet of a workbook; the same frame gives the same bytes.

Belongs here: how each type is written, and keeping text from becoming a formula in a spreadsheet. Writes no file.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from io import BytesIO
from typing import Any

import polars as pl
import xlsxwriter  # type: ignore[import-untyped]
from xlsxwriter.utility import xl_rowcol_to_cell  # type: ignore[import-untyped]

from si_analytics import formatting

TIME_FORMAT = "%Y-%m-%dT%H:%M:%S%.6f%:z"
"""Times in the form programs read: ISO 8601, with their offset."""

DIGITS = 15
"""How many digits of a number a spreadsheet keeps; a longer number is written as text."""

_FORMULA = r"^\s*[=+\-@\x{FF1D}\x{FF0B}\x{FF0D}\x{FF20}]|^[\t\r\n]"
_ROWS, _COLUMNS = 1_048_575, 16_384  # limits of a sheet: rows below its heading, and columns
_CELL, _NAME = 32_767, 31  # limits of a cell's text and a sheet's name
_ABOUT, _RESERVED = "about", "history"  # the first sheet, and the one name that spreadsheets reserve
_FORBIDDEN = re.compile(r"[\[\]:*?/\\\x00-\x1f]|^'|'$")
_CUTS_LISTED, _CUTS_TOLD = 1_000, 20  # sentences on the first sheet, and in a note
_FIRST_DAY = date(1900, 3, 1)  # before this day spreadsheets count a day that never was


@dataclass(frozen=True)
class Sheet:
    """A frame as one sheet: its name, its description, and the unit of each column that has one."""

    name: str
    summary: str
    frame: pl.DataFrame
    units: Mapping[str, str]


def csv(frame: pl.DataFrame) -> bytes:
    """`frame` as UTF-8 text; puts an apostrophe before text that a spreadsheet would take for a formula."""
    inert = [_inert(pl.col(name)).alias(name) for name, kind in frame.schema.items() if kind == pl.String]
    data = BytesIO()
    formatting.readable(frame).with_columns(inert).write_csv(data, datetime_format=TIME_FORMAT)
    return data.getvalue()


def _inert(text: pl.Expr) -> pl.Expr:
    return pl.when(text.str.contains(_FORMULA)).then(pl.lit("'") + text).otherwise(text)


def parquet(frame: pl.DataFrame) -> bytes:
    """`frame` with its exact types, for programs; changes nothing in it."""
    data = BytesIO()
    frame.write_parquet(data)
    return data.getvalue()


@dataclass(frozen=True)
class Book:
    """A workbook's bytes, the names of what no sheet could hold, and a sentence for each difference from the frames."""

    data: bytes
    too_large: tuple[str, ...]
    notes: tuple[str, ...]


def workbook(sheets: Sequence[Sheet], about: Mapping[str, str], as_of: datetime) -> Book:
    """A workbook that opens with what it is `about` and its contents, followed by one sheet after the other.

    Leaves out what a sheet cannot hold, for a file beside it, and cuts a text too long for a cell; both the workbook
    and the notes say so.
    """
    data = BytesIO()
    book = xlsxwriter.Workbook(data, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    book.set_properties({"created": as_of.astimezone(UTC).replace(tzinfo=None)})  # never the clock
    bold = book.add_format({"bold": True})
    first = book.add_worksheet(_ABOUT)
    fitting = [sheet for sheet in sheets if _fits(sheet.frame)]
    called = _names([sheet.name for sheet in fitting])
    cut = [one for sheet in fitting for one in _fill(book, bold, sheet, called[sheet.name])]
    beside = {sheet.name: _too_large(sheet) for sheet in sheets if not _fits(sheet.frame)}
    lines = [*about.items(), ("", ""), *(_entry(sheet, called, beside) for sheet in sheets)]
    lines += [("", ""), *(("cut", one) for one in _first(cut, _CUTS_LISTED))] if cut else []
    _contents(first, bold, lines)
    book.close()
    return Book(data.getvalue(), tuple(beside), (*beside.values(), *_first(cut, _CUTS_TOLD)))


def _fits(frame: pl.DataFrame) -> bool:
    return frame.height <= _ROWS and frame.width <= _COLUMNS


def _too_large(sheet: Sheet) -> str:
    high, wide = sheet.frame.shape
    found = (
        f"{high:,} rows, a sheet holds {_ROWS:,}" if high > _ROWS else f"{wide:,} columns, a sheet holds {_COLUMNS:,}"
    )
    return f"{sheet.name} has {found}: it has no sheet, it is {sheet.name}.csv beside the workbook"


def _names(wanted: Sequence[str]) -> dict[str, str]:
    """The sheet name for each name: the name itself if a spreadsheet allows it, else a similar one.

    A sheet name has at most 31 characters, lacks a few, and differs from every other by more than its capitals.
    """
    taken = {_ABOUT, _RESERVED}
    called: dict[str, str] = {}
    whole = [name for name in wanted if _FORBIDDEN.sub("", name) == name and _units(name) <= _NAME]
    for name in (*whole, *(name for name in wanted if name not in set(whole))):
        plain, number = _FORBIDDEN.sub("_", name) or "_", 1
        made = _shortened(plain, _NAME)
        while made.lower() in taken:
            number += 1
            made = f"{_shortened(plain, _NAME - len(f'~{number}'))}~{number}"
        taken.add(made.lower())
        called[name] = made
    return called


def _units(text: str) -> int:
    """The length of a text to a spreadsheet, which counts a letter beyond the first 65,536 of Unicode as two."""
    return len(text.encode("utf-16-le")) // 2


def _shortened(text: str, units: int) -> str:
    """As much of the text as fits into `units`, without splitting a letter."""
    if len(text) <= units // 2 or _units(text) <= units:
        return text
    return text.encode("utf-16-le")[: 2 * units].decode("utf-16-le", errors="ignore")


def _entry(sheet: Sheet, called: Mapping[str, str], beside: Mapping[str, str]) -> tuple[str, str]:
    """The line of one table on the first sheet: its sheet's name, and its description."""
    if sheet.name in beside:
        return sheet.name, f"{sheet.summary} ({beside[sheet.name]})"
    name = called[sheet.name]
    return name, sheet.summary if name == sheet.name else f"{sheet.name}: {sheet.summary}"


def _first(told: Sequence[str], most: int) -> list[str]:
    rest = len(told) - most
    return [*told[:most], *([f"and {rest:,} more texts are cut"] if rest > 0 else [])]


def _contents(page: Any, bold: Any, lines: Sequence[tuple[str, str]]) -> None:
    page.set_column(0, 0, 32)
    page.set_column(1, 1, 100)
    for at, (name, words) in enumerate(lines):
        page.write_string(at, 0, _shortened(name, _CELL), bold)
        page.write_string(at, 1, _shortened(words, _CELL))


def _fill(book: Any, bold: Any, sheet: Sheet, name: str) -> list[str]:
    """Write the sheet; return a sentence for each text that was cut."""
    page = book.add_worksheet(name)
    page.freeze_panes(1, 0)
    cut: list[str] = []
    for at, (column, kind) in enumerate(sheet.frame.schema.items()):
        written = book.add_format({"num_format": _format(kind, sheet.units.get(column, ""))})
        page.set_column(at, at, max(12, min(len(column) + 2, 40)))
        page.write_string(0, at, _shortened(column, _CELL), bold)
        put = _writer(page, kind, written)
        for row, value in enumerate(formatting.values(sheet.frame[column]), start=1):
            if value is not None and (length := put(row, at, value)):
                place = f"row {row + 1:,}, column {column} (cell {xl_rowcol_to_cell(row, at)})"
                cut.append(
                    f"{sheet.name}, {place}: a text of {length:,} characters is cut, a cell holds {_CELL:,};"
                    " CSV and Parquet have all of it"
                )
    if sheet.frame.width:
        page.autofilter(0, 0, sheet.frame.height, sheet.frame.width - 1)
    return cut


def _format(kind: pl.DataType, unit: str) -> str:
    if isinstance(kind, pl.Decimal):
        return "0.0%" if unit == "ratio" else f"#,##0.{'0' * kind.scale}" if kind.scale else "#,##0"
    if kind.is_integer():
        return "#,##0"
    if isinstance(kind, pl.Datetime):
        return "yyyy-mm-dd hh:mm:ss"
    return "yyyy-mm-dd" if kind == pl.Date else "General"


def _writer(page: Any, kind: pl.DataType, written: Any) -> Callable[[int, int, Any], int]:
    """The function that writes values of a type; it returns the text's length if it had to cut it, else 0."""

    def number(row: int, column: int, value: Any) -> int:
        exact = len(re.sub(r"\D", "", str(value)).strip("0")) <= DIGITS and abs(value) < 10**300
        if exact:
            page.write_number(row, column, value, written)
            return 0
        return text(row, column, f"{value:f}" if isinstance(value, Decimal) else value)

    def measured(row: int, column: int, value: float) -> int:
        if math.isfinite(value):
            page.write_number(row, column, value, written)
            return 0
        return text(row, column, value)

    def day(row: int, column: int, value: date | str) -> int:
        if isinstance(value, str):
            return text(row, column, value)
        zoned = isinstance(value, datetime) and value.tzinfo is not None
        moment = value.astimezone(UTC).replace(tzinfo=None) if zoned and isinstance(value, datetime) else value
        of_day = moment.date() if isinstance(moment, datetime) else moment
        if of_day < _FIRST_DAY:
            return text(row, column, moment.isoformat())
        page.write_datetime(row, column, moment, written)
        return 0

    def truth(row: int, column: int, value: bool) -> int:
        page.write_boolean(row, column, value)
        return 0

    def text(row: int, column: int, value: Any) -> int:
        whole = str(value)
        kept = _shortened(whole, _CELL)
        page.write_string(row, column, kept)
        return 0 if kept == whole else _units(whole)

    if kind.is_integer() or kind.is_decimal():
        return number
    if kind.is_float():
        return measured
    if isinstance(kind, pl.Date | pl.Datetime):
        return day
    return truth if kind == pl.Boolean else text
