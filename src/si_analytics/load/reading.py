"""Reads a file's rows as frames that its table takes.

Belongs here: converting each column of a file, and noting what people should know about.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import polars as pl
import pyarrow as pa

from si_analytics.load.columns import Array, Convert, converter
from si_analytics.load.options import Options
from si_analytics.load.target import LoadColumn, LoadTarget, refusal
from si_analytics.load.texts import refuse_nul
from si_analytics.load.unfit import Unfit

# What programs write for null, exactly so: a Mr Null writes his name otherwise.
_LEFT_BEHIND = ["NULL", "\\N", "N/A", "#N/A", "NaN", "nan", "<NA>", "None", "undefined"]


class File(Protocol):
    """A file of rows."""

    @property
    def name(self) -> str:
        """The file's name."""

    def header(self) -> list[str]:
        """Returns its column names."""

    def types(self) -> list[pa.DataType]:
        """Returns the types of its columns."""

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yields its rows in batches."""

    def at(self, row: int) -> str:
        """Returns the place of a row, counted from 1."""


@dataclass
class LoadFile:
    """A file with its table: the columns it fills, how to read it, and what was noticed."""

    file: File
    target: LoadTarget
    names: Sequence[str]
    options: Options
    empty: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Columns with a default that are null: in how many rows, and from which row on."""
    words: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Text columns that say NULL or the like: in how many rows, and from which row on."""

    @property
    def name(self) -> str:
        """The file's name."""
        return self.file.name

    @property
    def columns(self) -> list[LoadColumn]:
        """The table's columns that the file fills, in the file's order."""
        return [self.target.columns[name] for name in self.names]

    def frames(self) -> Iterator[pl.DataFrame]:
        """Yields the rows in batches. Raises LoadError, which names place and column, if they do not fit."""
        converters = [self._checked(column, kind) for column, kind in zip(self.columns, self.file.types(), strict=True)]
        first = 1
        for batch in self.file.batches():
            made = [
                self._converted(column, convert, array, first)
                for column, convert, array in zip(self.columns, converters, batch.columns, strict=True)
            ]
            yield pl.DataFrame(made)
            first += batch.num_rows

    def notes(self) -> list[str]:
        """Returns sentences about what was loaded as is but may not be what the person meant."""
        said = []
        for name, (count, row) in self.empty.items():
            what = f"{self.name}: {name} is empty in {_rows(count)}, from {self.file.at(row)} on"
            default = self.target.columns[name].preset
            said.append(f"{what}; null was loaded, the default {default} is for files without the column")
        for name, (count, row) in self.words.items():
            what = f"{self.name}: {name} holds a word that often stands for null in {_rows(count)}"
            said.append(f"{what}, from {self.file.at(row)} on; it was loaded as that text, an empty cell is null")
        return said

    def _checked(self, column: LoadColumn, kind: pa.DataType) -> Convert:
        try:
            return converter(column, kind, self.options)
        except Unfit as error:
            raise refusal(self.name, f"the column {column.name} {error.found}", error.remedy) from None

    def _converted(self, column: LoadColumn, convert: Convert, array: Array, first: int) -> pl.Series:
        try:
            made = convert(array).alias(column.name)
            refuse_nul(made)
        except (Unfit, pa.ArrowException) as error:
            place, cause = _first_unfit(convert, array, error)
            # Not chained: the cause quotes the value, which may be personal.
            found = f"{self.file.at(first + place)}, column {column.name}: {cause.found}"
            raise refusal(self.name, found, cause.remedy) from None
        self._refuse_null(column, made, first)
        if column.preset is not None and not column.not_null:
            _note(self.empty, column.name, made.is_null(), first)
        if made.dtype == pl.String and not column.is_array:
            _note(self.words, column.name, made.is_in(_LEFT_BEHIND), first)
        return made

    def _refuse_null(self, column: LoadColumn, made: pl.Series, first: int) -> None:
        if column.not_null and made.null_count():
            place = self.file.at(first + int(made.is_null().arg_true()[0]))
            found = f"{place}: the column {column.name} is empty, and every row needs a value there"
            hint = "" if column.preset is None else f", or leave the column out: its default is {column.preset}"
            raise refusal(self.name, found, f"Fill it in{hint}")


def _note(noted: dict[str, tuple[int, int]], name: str, which: pl.Series, first: int) -> None:
    places = which.fill_null(value=False).arg_true()
    if len(places):
        count, row = noted.get(name, (0, first + int(places[0])))
        noted[name] = (count + len(places), row)


def _rows(count: int) -> str:
    return f"{count:,} row{'' if count == 1 else 's'}"


def _first_unfit(convert: Convert, array: Array, error: Exception) -> tuple[int, Unfit]:
    """Returns the first value that cannot be converted by itself, and why."""
    if isinstance(error, Unfit) and error.at is not None:
        return error.at, error
    for place in range(len(array)):
        try:
            refuse_nul(convert(array.slice(place, 1)))
        except Unfit as cause:
            return place, cause
        except pa.ArrowException:
            return place, Unfit("the value does not fit the column exactly", "Correct it")
    raise error
