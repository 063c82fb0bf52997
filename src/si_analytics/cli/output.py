"""How commands speak: for people, for machines (`--json`), and progress as it happens."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from si_analytics.errors import AnalyticsError

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")]

console = Console(highlight=False, soft_wrap=True)
messages = Console(stderr=True, highlight=False, soft_wrap=True)


@dataclass(frozen=True)
class State:
    """What the options before the command say."""

    debug: bool = False


def say(text: str) -> None:
    """One line for people; what stands in it is shown as it is, never read as markup."""
    console.print(Text(text))


def fail(error: AnalyticsError) -> int:
    """Print an error's sentence to standard error; its exit code."""
    messages.print(Text.assemble(("error: ", "bold red"), str(error)))
    return error.exit_code


def as_json(value: Any) -> None:
    """One JSON document on standard output; money stays exact, as text."""
    sys.stdout.write(json.dumps(value, default=plain, ensure_ascii=False, indent=2) + "\n")


def plain(value: Any) -> Any:
    """`value` as JSON knows it: decimals and ids as text, times in ISO 8601."""
    if isinstance(value, Decimal | UUID):
        return str(value)
    if isinstance(value, datetime | date):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no JSON form")


def table(columns: Sequence[str], rows: Iterable[Sequence[Any]], right: Iterable[str] = ()) -> None:
    """A table for people, numbers to the right."""
    shown = Table(box=None, pad_edge=False, header_style="bold")
    aligned = set(right)
    for column in columns:
        shown.add_column(column, justify="right" if column in aligned else "left", overflow="fold")
    for row in rows:
        shown.add_row(*(Text("" if value is None else str(value)) for value in row))
    console.print(shown, soft_wrap=False)


class Progress:
    """Phases of a long command: a line that moves on a terminal, plain lines elsewhere, nothing if quiet."""

    def __init__(self, quiet: bool = False) -> None:
        self.quiet = quiet
        self._status = None if quiet or not messages.is_terminal else messages.status("starting")

    def __enter__(self) -> Progress:
        if self._status:
            self._status.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._status:
            self._status.stop()

    def __call__(self, phase: str, name: str, rows: int, seconds: float) -> None:
        if self.quiet:
            return
        line = f"{phase:<8} {name:<32} {rows:>11,} rows {seconds:>8.2f} s"
        if self._status:
            self._status.update(Text(line))
        messages.print(Text(line))
