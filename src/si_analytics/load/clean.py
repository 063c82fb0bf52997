"""Reads the bytes of a CSV file as strict UTF-8 lines.

Belongs here: compression, encoding and byte order marks; misplaced quotes, NULs and blank lines.

A lenient reader takes a stray quote for the start of a value that ends at the next quote, wherever that is, and
merges two rows into one. So we check each quote before anything else, and report the line of a stray one.
"""

from __future__ import annotations

import codecs
import gzip
import re
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from si_analytics.errors import LoadError
from si_analytics.load.options import Options
from si_analytics.load.target import refusal

_CHUNK = 1 << 20
_GZIP = b"\x1f\x8b"
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
    (codecs.BOM_UTF8, "utf-8-sig"),
)
_OTHER_FORMS = ((b"PAR1", "Parquet", ".parquet"), (b"PK\x03\x04", "ZIP or XLSX", None), (b"SQLite", "SQLite", None))
_QUOTE, _LINE_FEED, _RETURN = b'"'[0], b"\n"[0], b"\r"[0]
_STRAY = 'Put the whole value in quotes, and write a quote within it twice, like "5"" screen"'


def utf8(path: Path, options: Options) -> Iterator[bytes]:
    """Yields the text of the file in pieces. Raises LoadError, which names the line, for bytes that are not text."""
    with path.open("rb") as file:
        start = file.read(max(len(mark) for mark, _ in _MARKS) + 4)
    packed = start.startswith(_GZIP)
    try:
        with gzip.open(path, "rb") if packed else path.open("rb") as file:
            yield from _decoded(path.name, iter(lambda: file.read(_CHUNK), b""), options)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise refusal(path.name, "it is not a whole gzip file", "Write or copy it again") from error


def _decoded(name: str, chunks: Iterator[bytes], options: Options) -> Iterator[bytes]:
    start = next(chunks, b"")
    for sign, form, ending in _OTHER_FORMS:
        if start.startswith(sign):
            remedy = f"Name it {ending}" if ending else "Save it as CSV"
            raise refusal(name, f"it is a {form} file", remedy)
    encoding = next((found for mark, found in _MARKS if start.startswith(mark)), options.encoding or "utf-8")
    if encoding == "utf-8" and b"\0" in start[:4] and len(start) % 2 == 0:
        order = "be" if start[:1] == b"\0" else "le"
        raise refusal(
            name, "it looks like UTF-16 without its mark", f"Save it as UTF-8, or say --encoding utf-16-{order}"
        )
    decoder, lines = codecs.getincrementaldecoder(encoding)(), 0
    for chunk in _with_end(start, chunks):
        try:
            text = decoder.decode(chunk, final=not chunk)
        except UnicodeDecodeError as error:
            line = lines + _line_ends(bytes(error.object)[: error.start], encoding) + 1
            raise _not_text(name, line, encoding) from error
        data = text.encode()
        if b"\0" in data:
            line = lines + data.count(b"\n", 0, data.index(b"\0")) + 1
            raise refusal(name, f"line {line} holds a NUL byte, which Postgres text cannot", "Remove it")
        lines += data.count(b"\n")
        yield data


def _with_end(start: bytes, chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Yields all chunks and then an empty one, which reveals a character that was cut off at the end."""
    yield start
    yield from chunks
    yield b""


def _line_ends(before: bytes, encoding: str) -> int:
    return before.decode(encoding.removesuffix("-sig"), errors="replace").count("\n")


def _not_text(name: str, line: int, encoding: str) -> LoadError:
    if encoding in {"utf-8", "utf-8-sig"}:
        remedy = "Save it as UTF-8, or say how it is written: --encoding windows-1252"
        return refusal(name, f"line {line} holds bytes that are not UTF-8", remedy)
    return refusal(name, f"line {line} holds bytes that are not {encoding}", "Save it as UTF-8")


class Strict:
    """Checks CSV text as it passes. Raises LoadError, which names the line, for a misplaced quote or blank line.

    Starts after the header. ``wanted`` is a row whose line it should find.
    """

    def __init__(self, name: str, separator: str, line: int, columns: int, wanted: int = 0) -> None:
        self.name, self.line, self.columns = name, line, columns
        self.wanted, self.found = wanted, line if wanted == 1 else None
        self._edges = np.frombuffer(separator.encode() + b"\r\n", dtype=np.uint8)
        self._rows, self._inside, self._opened, self._blank = 0, 0, line, 0
        self._before, self._held = _LINE_FEED, b""

    def passed(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        """Yields the same text without blank lines at its end."""
        for chunk in chunks:
            data = self._held + chunk
            # The meaning of a quote or a line break depends on what follows it.
            body = data.rstrip(b'"\r\n')
            self._held = data[len(body) :]
            if body:
                self._look(body)
                yield body
        body = self._held.rstrip(b"\r\n") if self.columns > 1 else re.sub(rb"(\r\n|\r|\n)\Z", b"", self._held)
        if body:
            self._look(body)
        if self._inside:
            raise refusal(self.name, f"line {self._opened}: a quote is opened there and never closed", _STRAY)
        yield body + b"\n"

    def _look(self, body: bytes) -> None:
        letters = np.frombuffer(body, dtype=np.uint8)
        around = np.concatenate(([self._before], letters, [_LINE_FEED]))  # shifts every position by one
        quotes = np.flatnonzero(letters == _QUOTE)
        ends = np.flatnonzero((letters == _LINE_FEED) | ((letters == _RETURN) & (around[2:] != _LINE_FEED)))
        self._look_at_quotes(around, quotes, ends)
        quoted = (self._inside + np.searchsorted(quotes, ends)) % 2 == 1
        self._look_for_blanks(around, ends, quoted, len(letters))
        self._look_for_row(ends, quoted)
        self.line += len(ends)
        self._rows += int(np.count_nonzero(~quoted))
        self._inside = (self._inside + len(quotes)) % 2
        self._before = int(letters[-1])

    def _look_at_quotes(
        self, around: npt.NDArray[np.uint8], quotes: npt.NDArray[np.intp], ends: npt.NDArray[np.intp]
    ) -> None:
        """Raises unless each quote opens at the start of a value, closes at its end, or is doubled within it."""
        if not len(quotes):
            return
        opening = (np.arange(len(quotes)) + self._inside) % 2 == 0
        before, after = around[quotes], around[quotes + 2]
        begins = opening & np.isin(before, self._edges)
        good = np.where(opening, begins | (before == _QUOTE), np.isin(after, self._edges) | (after == _QUOTE))
        lines = self.line + np.searchsorted(ends, quotes)
        wrong = int(np.argmin(good)) if not good.all() else len(quotes)
        opened = np.flatnonzero(begins[: wrong + 1])
        if len(opened):
            self._opened = int(lines[opened[-1]])
        if wrong < len(quotes):
            line = int(lines[wrong]) if opening[wrong] else self._opened
            raise refusal(self.name, f"line {line}: a quote stands in the middle of a value", _STRAY)

    def _look_for_blanks(
        self, around: npt.NDArray[np.uint8], ends: npt.NDArray[np.intp], quoted: npt.NDArray[np.bool_], size: int
    ) -> None:
        if self.columns < 2:
            return  # in a file of one column, a blank line is null
        first = np.where((around[ends + 1] == _LINE_FEED) & (around[ends] == _RETURN), ends - 1, ends)
        previous = around[np.maximum(first, 0)]
        blank = np.flatnonzero(np.isin(previous, [_LINE_FEED, _RETURN]) & ~quoted & (first >= 0))
        if len(blank):
            line = self.line + int(blank[0])
            raise refusal(self.name, f"line {line} is blank, and lines with values follow", "Remove it")

    def _look_for_row(self, ends: npt.NDArray[np.intp], quoted: npt.NDArray[np.bool_]) -> None:
        if self.found is None and self.wanted > 1:
            rows = np.flatnonzero(~quoted)
            ahead = self.wanted - 2 - self._rows
            if ahead < len(rows):
                self.found = self.line + int(rows[ahead]) + 1
