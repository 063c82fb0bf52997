"""A frame as a file's bytes: CSV, Parquet, or a sheet of a workbook; the same frame, the same bytes.

Belongs here: how each type is written, and that text never becomes a formula in a spreadsheet. Writes no file.
May import: `errors`, `display`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from io import BytesIO
from typing import Any

import polars as pl
import xlsxwriter  # type: ignore[import-untyped]

from si_analytics import display
from si_analytics.errors import UsageError

TIME_FORMAT = "%Y-%m-%dT%H:%M:%S%.6f%:z"
"""Times as programs read them: ISO 8601, with their offset."""

DIGITS = 15
"""How many digits of a number a spreadsheet keeps; one of more is written as text."""

_FORMULA = r"^\s*[=+\-@\x{FF1D}\x{FF0B}\x{FF0D}\x{FF20}]|^[\t\r\n]"
_ROWS, _CELL, _NAME = 1_048_575, 32_767, 31  # what a sheet holds below its heading, a cell, a sheet's name
_FIRST_DAY = date(1900, 3, 1)  # before it spreadsheets count a day that never was


@dataclass(frozen=True)
class Sheet:
    """A frame as one sheet: its name, what it is, and the unit of each column where it has one."""

    name: str
    summary: str
    frame: pl.DataFrame
    units: Mapping[str, str]


def csv(frame: pl.DataFrame) -> bytes:
    """`frame` as UTF-8 text; text that a spreadsheet would take for a formula begins with an apostrophe."""
    inert = [_inert(pl.col(name)).alias(name) for name, kind in frame.schema.items() if kind == pl.String]
    data = BytesIO()
    display.readable(frame).with_columns(inert).write_csv(data, datetime_format=TIME_FORMAT)
    return data.getvalue()


def _inert(text: pl.Expr) -> pl.Expr:
    return pl.when(text.str.contains(_FORMULA)).then(pl.lit("'") + text).otherwise(text)


def parquet(frame: pl.DataFrame) -> bytes:
    """`frame` with its very types; for programs, nothing in it is changed."""
    data = BytesIO()
    frame.write_parquet(data)
    return data.getvalue()


def workbook(sheets: Sequence[Sheet], about: Mapping[str, str], as_of: datetime) -> bytes:
    """A workbook that opens with what it is `about` and what it holds, then one sheet after the other."""
    data = BytesIO()
    book = xlsxwriter.Workbook(data, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    book.set_properties({"created": as_of.astimezone(UTC).replace(tzinfo=None)})  # never the clock
    bold = book.add_format({"bold": True})
    _contents(book.add_worksheet("about"), bold, sheets, about)
    for sheet in sheets:
        _fill(book, bold, sheet)
    book.close()
    return data.getvalue()


def _contents(page: Any, bold: Any, sheets: Sequence[Sheet], about: Mapping[str, str]) -> None:
    page.set_column(0, 0, 32)
    page.set_column(1, 1, 100)
    lines = [*about.items(), ("", ""), *((sheet.name, sheet.summary) for sheet in sheets)]
    for at, (name, words) in enumerate(lines):
        page.write_string(at, 0, name, bold)
        page.write_string(at, 1, words)


def _fill(book: Any, bold: Any, sheet: Sheet) -> None:
    if sheet.frame.height > _ROWS:
        raise UsageError(
            f"a spreadsheet of {sheet.name}",
            f"it has {sheet.frame.height:,} rows, a sheet holds {_ROWS:,}",
            "Use --format csv or parquet",
        )
    page = book.add_worksheet(sheet.name[:_NAME])
    page.freeze_panes(1, 0)
    for at, (column, kind) in enumerate(sheet.frame.schema.items()):
        written = book.add_format({"num_format": _format(kind, sheet.units.get(column, ""))})
        page.set_column(at, at, max(12, min(len(column) + 2, 40)))
        page.write_string(0, at, column, bold)
        put = _writer(page, kind, written)
        for row, value in enumerate(display.values(sheet.frame[column]), start=1):
            if value is not None:
                put(row, at, value)
    if sheet.frame.width:
        page.autofilter(0, 0, sheet.frame.height, sheet.frame.width - 1)


def _format(kind: pl.DataType, unit: str) -> str:
    if isinstance(kind, pl.Decimal):
        return "0.0%" if unit == "ratio" else f"#,##0.{'0' * kind.scale}" if kind.scale else "#,##0"
    if kind.is_integer():
        return "#,##0"
    if isinstance(kind, pl.Datetime):
        return "yyyy-mm-dd hh:mm:ss"
    return "yyyy-mm-dd" if kind == pl.Date else "General"


def _writer(page: Any, kind: pl.DataType, written: Any) -> Callable[[int, int, Any], None]:
    def number(row: int, column: int, value: Any) -> None:
        exact = len(re.sub(r"\D", "", str(value)).strip("0")) <= DIGITS and abs(value) < 10**300
        if exact:
            page.write_number(row, column, value, written)
        else:
            page.write_string(row, column, f"{value:f}" if isinstance(value, Decimal) else str(value))

    def day(row: int, column: int, value: date | str) -> None:
        if isinstance(value, str):
            page.write_string(row, column, value)
            return
        moment = value.astimezone(UTC).replace(tzinfo=None) if isinstance(value, datetime) else value
        of_day = moment.date() if isinstance(moment, datetime) else moment
        if of_day < _FIRST_DAY:
            page.write_string(row, column, moment.isoformat())
        else:
            page.write_datetime(row, column, moment, written)

    def truth(row: int, column: int, value: bool) -> None:
        page.write_boolean(row, column, value)

    def text(row: int, column: int, value: Any) -> None:
        page.write_string(row, column, str(value)[:_CELL])

    if kind.is_integer() or kind.is_decimal():
        return number
    if isinstance(kind, pl.Date | pl.Datetime):
        return day
    return truth if kind == pl.Boolean else text
