"""How commands print: for people, for machines (`--json`), and progress as it happens.

Results go to standard output, everything else to standard error. Shows what the data hold but never
obeys it: no markup, no control characters for the terminal.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import sys
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, is_dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TextIO
from uuid import UUID

import typer

from si_analytics.errors import AnalyticsError

if TYPE_CHECKING:
    from rich.status import Status

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")]

_MISSING = "–"
_FOLDED_ROWS = 500  # a longer table is read by scrolling, not fitted to the screen
_PASSWORD = re.compile(r"(://[^:/@\s]*):[^@\s]*@")


def say(text: str) -> None:
    """Print one line of results for people."""
    _write(sys.stdout, safe(text) + "\n")


def lines(text: str) -> None:
    """Print a text of several lines of results for people."""
    for line in text.splitlines():
        say(line)


def note(text: str) -> None:
    """Print one line that is not a result to standard error."""
    _write(sys.stderr, safe(text) + "\n")


def fail(sentence: str) -> None:
    """Print an error's sentence to standard error, without the password of any address in it."""
    shown = safe(_PASSWORD.sub(r"\1:***@", sentence))
    label = typer.style("error:", fg="red", bold=True) if _is_terminal(sys.stderr) else "error:"
    _write(sys.stderr, f"{label} {shown}\n")


def as_json(value: Any) -> None:
    """Print one JSON document to standard output; money stays exact, as text."""
    raw((json.dumps(_plain(value), ensure_ascii=False, indent=2, allow_nan=False) + "\n").encode())


def as_json_line(value: Any) -> None:
    """Print one JSON document on a line of its own, for results that keep coming."""
    raw((json.dumps(_plain(value), ensure_ascii=False, allow_nan=False) + "\n").encode())


def raw(data: bytes) -> None:
    """Write bytes to standard output unchanged, whatever the terminal's encoding."""
    with _while_anybody_reads(sys.stdout):
        sys.stdout.flush()
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()


def table(columns: Sequence[str], rows: Iterable[Sequence[Any]], right: Iterable[str] = ()) -> None:
    """Print a table for people: folded to the width of a terminal, one line per row elsewhere."""
    cells = [[_MISSING if value is None else safe(_text(value)) for value in row] for row in rows]
    to_the_right = [column in set(right) for column in columns]
    if _is_terminal(sys.stdout) and len(cells) <= _FOLDED_ROWS:
        _folded(columns, cells, to_the_right)
    else:
        _write(sys.stdout, "".join(_lines(columns, cells, to_the_right)))


def safe(text: str) -> str:
    """`text` with characters that a terminal would obey or cannot show written out: ``\\x1b``, ``\\n``, ``\\u202e``."""
    return "".join(
        character.encode("unicode_escape").decode() if _is_unsafe(character) else character for character in text
    )


def _is_unsafe(character: str) -> bool:
    # Cc: control characters. Cs: halves of characters. Zl, Zp: line ends. Cf: some of these reverse the order of words.
    kind = unicodedata.category(character)
    return kind in {"Cc", "Cs", "Zl", "Zp"} or (kind == "Cf" and unicodedata.bidirectional(character) != "BN")


def _plain(value: Any) -> Any:
    """`value` in JSON's types: decimals and ids as text, times in ISO 8601, NaN and infinity as null."""
    if is_dataclass(value) and not isinstance(value, type):
        return _plain(asdict(value))
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(each) for each in value]
    if isinstance(value, float) and not -float("inf") < value < float("inf"):
        return None
    if value is None or isinstance(value, str | bool | int | float):
        return value
    return _text(value)


def _text(value: Any) -> str:
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, str | bool | int | float | UUID | Path | timedelta | list):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no text form here")


def _lines(columns: Sequence[str], cells: Sequence[Sequence[str]], to_the_right: Sequence[bool]) -> Iterable[str]:
    from rich.cells import cell_len

    widths = [max(map(cell_len, column)) for column in zip(columns, *cells, strict=True)]
    for row in (columns, *cells):
        padding = [" " * (width - cell_len(cell)) for width, cell in zip(widths, row, strict=True)]
        laid = [
            space + cell if right else cell + space
            for cell, space, right in zip(row, padding, to_the_right, strict=True)
        ]
        yield "  ".join(laid).rstrip() + "\n"


def _folded(columns: Sequence[str], cells: Sequence[Sequence[str]], to_the_right: Sequence[bool]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    shown = Table(box=None, pad_edge=False, header_style="bold")
    for column, right in zip(columns, to_the_right, strict=True):
        shown.add_column(Text(column), justify="right" if right else "left", overflow="fold")
    for row in cells:
        shown.add_row(*map(Text, row))
    with _while_anybody_reads(sys.stdout):
        Console(highlight=False).print(shown)


def _is_terminal(stream: TextIO) -> bool:
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def _write(stream: TextIO, text: str) -> None:
    with _while_anybody_reads(stream):
        try:
            stream.write(text)
        except UnicodeEncodeError:  # the terminal's encoding lacks the letter: escape it
            stream.write(text.encode(stream.encoding, "backslashreplace").decode(stream.encoding))
        stream.flush()


@contextlib.contextmanager
def _while_anybody_reads(stream: TextIO) -> Iterator[None]:
    """End quietly if the reader of our output is gone (`si metric ... | head`)."""
    try:
        yield
    except BrokenPipeError:
        _hang_up(stream)
        raise SystemExit(0) from None
    except OSError as error:  # most often a full disk
        _hang_up(stream)
        reason = error.strerror or type(error).__name__
        raise AnalyticsError("writing the output", reason, "Make room there, or send it elsewhere") from error


def _hang_up(stream: TextIO) -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())  # so that the last flush does not fail


class Progress:
    """Phases of a long command: a moving line on a terminal, plain lines elsewhere, nothing if quiet."""

    def __init__(self, doing: str, quiet: bool = False) -> None:
        self._doing, self._quiet = doing, quiet
        self._status: Status | None = None

    def __enter__(self) -> Progress:
        if not self._quiet and _is_terminal(sys.stderr):
            from rich.console import Console
            from rich.text import Text

            console = Console(stderr=True, highlight=False)
            self._status = console.status(Text(self._doing))
            self._status.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._status:
            self._status.stop()

    def __call__(self, phase: str, name: str, rows: int, seconds: float) -> None:
        """Report a step that ended."""
        line = f"{phase:<8} {name:<32} {rows:>11,} rows {seconds:>8.2f} s"
        if self._status:
            from rich.text import Text

            self._status.console.print(Text(safe(line)), soft_wrap=True)
            self._status.update(Text(f"{self._doing}: {phase}"))
        elif not self._quiet:
            note(line)


def explained(error: BaseException, command: Sequence[str]) -> str:
    """The sentence for an error: its own if it is one of ours; else what is known, and how to see more."""
    if isinstance(error, AnalyticsError):
        return str(error)
    said = " ".join(str(error).split())[:300]
    known = f"{type(error).__name__}: {said}" if said else type(error).__name__
    return f"`si {' '.join(command)}` failed in a way nobody foresaw: {known}. See where: add --debug, and report it"
