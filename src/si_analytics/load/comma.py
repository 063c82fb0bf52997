"""CSV files: RFC 4180, with a header.

Belongs here: a CSV file's header, its separator and its rows as texts.

Nothing between two separators is null, `""` is the empty text. Excel's `sep=;` may be the first line.
"""

from __future__ import annotations

import csv
import io
import itertools
import re
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pc

from si_analytics.errors import LoadError
from si_analytics.load import clean
from si_analytics.load.options import Options
from si_analytics.load.target import refusal

_LONGEST_HEADER = 1 << 20
_BLOCK = 1 << 24
_SEPARATES = re.compile(rb'^"?sep=([^"\r\n])"?(?:\r\n|\n|\r|$)', re.IGNORECASE)
_HEADER = re.compile(rb'(?:[^"\r\n]|"[^"]*")*(\r\n|\n|\r)')


class CommaFile:
    """One CSV file, possibly compressed with gzip."""

    def __init__(self, path: Path, options: Options) -> None:
        self.path, self.options = path, options

    @property
    def name(self) -> str:
        """The file's name."""
        return self.path.name

    def at(self, row: int) -> str:
        """Returns the place of a row, counted from 1: the line it begins on."""
        names, separator, line, rest = self._opened()
        strict = clean.Strict(self.name, separator, line, len(names), wanted=row)
        for _ in strict.passed(rest):
            if strict.found is not None:
                break
        return f"line {strict.found or strict.line}"

    def header(self) -> list[str]:
        """Returns the column names of its header. Raises LoadError if it has none."""
        return self._opened()[0]

    def types(self) -> list[pa.DataType]:
        """Returns text as the type of every column."""
        return [pa.string() for _ in self.header()]

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Its rows, some at a time; raises LoadError, naming the line, where one is malformed."""
        names, separator, line, rest = self._opened()
        malformed: list[pc.InvalidRow] = []

        def refuse(row: pc.InvalidRow) -> str:
            malformed.append(row)  # pyarrow swallows exceptions raised here
            return "error"

        text = _Reader(clean.Strict(self.name, separator, line, len(names)).passed(rest))
        if not text.peek(len(names) > 1):
            return
        try:
            yield from _parsed(text, len(names), separator, refuse)
        except pa.ArrowInvalid as error:
            if malformed:
                raise self._malformed(malformed[0], names) from None
            if "straddl" in str(error):
                raise refusal(
                    self.name, f"a row of it is longer than {_BLOCK >> 20} MB", "Correct or split it"
                ) from None
            raise refusal(self.name, "it cannot be read as CSV", "Check its quotes and separators") from None

    def _malformed(self, row: pc.InvalidRow, names: list[str]) -> LoadError:
        place = self.at(row.number)
        if row.text == "\\.":
            return refusal(self.name, f"{place} is nothing but \\., the mark that ends a COPY", 'Quote it: "\\."')
        found = f"{row.actual_columns} value{'' if row.actual_columns == 1 else 's'} for {row.expected_columns} columns"
        lacks = f": {names[row.actual_columns]} is the first without" if row.actual_columns < len(names) else ""
        remedy = "Check its quotes and separators; a value with a separator in it needs quotes"
        return refusal(self.name, f"{place}: the row is malformed ({found}{lacks})", remedy)

    def _opened(self) -> tuple[list[str], str, int, Iterator[bytes]]:
        """Returns the column names, the separator, the line the rows begin on, and the text from there."""
        chunks = clean.utf8(self.path, self.options)
        start = b""
        for chunk in chunks:
            start += chunk
            if len(start) >= _LONGEST_HEADER:
                break
        if not start.strip():
            raise refusal(self.name, "it is empty", "Begin it with a line of column names, or take it away")
        line, separator, said = 1, self.options.separator or ",", _SEPARATES.match(start)
        if said:
            line, separator, start = 2, said[1].decode(), start[said.end() :]
        match = _HEADER.match(start)
        end = match.end() if match else len(start)
        names = self._names(start[:end].decode(), separator, line)
        after = line + max(start[:end].count(b"\n"), start[:end].count(b"\r"))
        return names, separator, after, itertools.chain([start[end:]], chunks)

    def _names(self, text: str, separator: str, line: int) -> list[str]:
        try:
            names = next(csv.reader(io.StringIO(text, newline=""), strict=True, delimiter=separator), [])
        except csv.Error as error:
            found = f"line {line} is not a line of CSV"
            raise refusal(self.name, found, "Check its quotes and separators") from error
        others = [mark for mark in ";\t|," if len(names) == 1 and mark in names[0] and mark != separator]
        if others:
            shown, word = {"\t": ("tabs", "tab")}.get(others[0], (f"'{others[0]}'", f"'{others[0]}'"))
            remedy = (
                f"Separate them by commas, or say --separator {word}" if others[0] != "," else "Give no --separator"
            )
            raise refusal(self.name, f"its columns are separated by {shown}", remedy)
        return names


def _parsed(text: _Reader, columns: int, separator: str, refuse: object) -> Iterator[pa.RecordBatch]:
    names = [str(place) for place in range(columns)]
    reader = pc.open_csv(
        # Buffered to whole blocks: a row may be as long as a block.
        io.BufferedReader(text, _BLOCK),
        # Only with one thread does pyarrow count rows.
        read_options=pc.ReadOptions(use_threads=False, column_names=names, block_size=_BLOCK),
        parse_options=pc.ParseOptions(
            delimiter=separator, newlines_in_values=True, ignore_empty_lines=False, invalid_row_handler=refuse
        ),
        convert_options=pc.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()),
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        ),
    )
    with reader:
        yield from reader


class _Reader(io.RawIOBase):
    """A file object over chunks of bytes."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks, self._left = chunks, b""

    def peek(self, several: bool) -> bool:
        """Whether there is any row; with several columns, a single line break is not a row."""
        while not self._left:
            chunk = next(self._chunks, None)
            if chunk is None:
                return False
            self._left = chunk
        if len(self._left) < 3:
            following = next(self._chunks, b"")
            self._left += following
        return bool(self._left.strip(b"\r\n")) if several else self._left != b"\n"

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        while not self._left:
            chunk = next(self._chunks, None)
            if chunk is None:
                return 0
            self._left = chunk
        size = min(len(buffer), len(self._left))
        buffer[:size] = self._left[:size]
        self._left = self._left[size:]
        return size
