"""CSV files: RFC 4180, in UTF-8, with a header.

Belongs here: reading a CSV file's header and bytes, and refusing what is no such file.
May import: `errors`, `target`.

The rows themselves are parsed by Postgres, which knows its own literals; what it would misread or
report without a place (bytes that are no text, an early end) is found on the way.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path

from si_analytics.load.target import refusal

_CHUNK = 1 << 20
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
# Servers before PostgreSQL 18 take such a line for the end of the data, and drop the rest in silence.
_END_MARKER = re.compile(rb"(?:^|(?<=[\r\n]))\\\.(?=\r|\n|$)")


class CommaFile:
    """One CSV file; `place` is what its rows are counted in."""

    place = "line"

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def name(self) -> str:
        """The file's name."""
        return self.path.name

    def header(self) -> list[str]:
        """The column names of its first line; raises LoadError where there is none."""
        with self.path.open("rb") as file:
            start = file.read(_CHUNK)
        if start.startswith(_UTF16):
            raise refusal(self.name, "it is written in UTF-16", "Save it as UTF-8")
        text = codecs.getincrementaldecoder("utf-8-sig")(errors="replace").decode(start)
        if not text.strip():
            raise refusal(self.name, "it is empty", "Begin it with a line of column names, or take it away")
        try:
            names = next(csv.reader(io.StringIO(text, newline=""), strict=True))
        except csv.Error as error:
            raise refusal(self.name, "line 1 is not a line of CSV", "Check its quotes and commas") from error
        separators = [mark for mark in ";\t|" if len(names) == 1 and mark in names[0]]
        if separators:
            shown = {"\t": "tabs"}.get(separators[0], f"'{separators[0]}'")
            raise refusal(self.name, f"its columns are separated by {shown}", "Separate them by commas")
        return names

    def chunks(self) -> Iterator[bytes]:
        """Its bytes without a byte order mark; raises LoadError, naming the line, where they are not text."""
        decoder = codecs.getincrementaldecoder("utf-8")()
        lines, quotes, tail = 0, 0, b""
        with self.path.open("rb") as file:
            if file.read(len(codecs.BOM_UTF8)) != codecs.BOM_UTF8:
                file.seek(0)
            while chunk := file.read(_CHUNK):
                self._refuse_bytes(chunk, decoder, lines)
                self._refuse_end_marker(tail + chunk, lines - tail.count(b"\n"), quotes - tail.count(b'"'))
                lines += chunk.count(b"\n")
                quotes += chunk.count(b'"')
                tail = chunk[-3:]
                yield chunk
        try:
            decoder.decode(b"", final=True)
        except UnicodeDecodeError as error:
            raise self._not_utf8(lines + 1) from error

    def _refuse_bytes(self, chunk: bytes, decoder: codecs.IncrementalDecoder, lines: int) -> None:
        nul = chunk.find(b"\0")
        if nul >= 0:
            line = lines + chunk.count(b"\n", 0, nul) + 1
            raise refusal(self.name, f"line {line} holds a NUL byte, which Postgres text cannot", "Remove it")
        try:
            decoder.decode(chunk)
        except UnicodeDecodeError as error:
            # The decoder kept at most three bytes of the chunk before, no line break among them.
            raise self._not_utf8(lines + error.object.count(b"\n", 0, error.start) + 1) from error

    def _not_utf8(self, line: int) -> Exception:
        return refusal(self.name, f"line {line} holds bytes that are not UTF-8", "Save it as UTF-8")

    def _refuse_end_marker(self, data: bytes, lines: int, quotes: int) -> None:
        if b"\\." not in data:
            return
        for match in _END_MARKER.finditer(data):
            if (quotes + data.count(b'"', 0, match.start())) % 2 == 0:
                line = lines + data.count(b"\n", 0, match.start()) + 1
                raise refusal(
                    self.name, f"line {line} is nothing but \\., the mark that ends a COPY", 'Quote it: "\\."'
                )

    def find(self, column: str, wanted: str) -> int | None:
        """The line of the first row with that value (an id, written in whatever way) in the column."""
        with self.path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.reader(file)
            place = next(rows).index(column)
            for row in rows:
                if len(row) > place and bare(row[place]) == bare(wanted):
                    return rows.line_num
        return None


def bare(value: str) -> str:
    """An id without what ids may be decorated with."""
    return value.strip().strip("{}").replace("-", "").lower()
