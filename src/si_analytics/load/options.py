"""What the person who loads says about the files and the existing rows.

Belongs here: `Options`, which checks itself when it is made.
"""

from __future__ import annotations

import codecs
from dataclasses import dataclass
from typing import Literal

from si_analytics.errors import UsageError
from si_analytics.periods import windows

Mode = Literal["add", "upsert", "replace"]
DATES = ("day-first", "month-first")
DECIMALS = (".", ",")
_NAMED = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";", "pipe": "|"}
# Codecs of Python that turn bytes into text but are no file encodings.
_NO_ENCODINGS = {"idna", "punycode", "raw_unicode_escape", "unicode_escape", "undefined", "utf-7", "mbcs", "oem"}


@dataclass(frozen=True)
class Options:
    """How to read files that do not say it themselves, and what happens to existing rows.

    ``separator``: one character, or ``tab``. ``decimal``: the mark before the decimals, ``.`` or ``,``; the other then
    separates thousands. ``dates``: also accepts ``day-first`` or ``month-first`` besides dates that begin with the
    year. ``encoding``: Python's name for it. ``timezone``: the IANA zone of times without one. ``mode``: ``add``
    refuses existing keys, ``upsert`` overwrites their rows, ``replace`` also removes all other rows.
    """

    separator: str | None = None
    decimal: str | None = None
    dates: str | None = None
    encoding: str | None = None
    timezone: str | None = None
    mode: Mode = "add"

    def __post_init__(self) -> None:
        if self.separator is not None:
            object.__setattr__(self, "separator", _separator(self.separator))
        _one_of("--decimal", self.decimal, DECIMALS)
        _one_of("--dates", self.dates, DATES)
        _one_of("the mode", self.mode, ("add", "upsert", "replace"))
        if self.encoding is not None:
            object.__setattr__(self, "encoding", _encoding(self.encoding))
        if self.timezone is not None:
            windows.zone(self.timezone)
        if self.decimal is not None and self.decimal == self.separator:
            raise UsageError(
                f"--decimal {self.decimal}", "it separates the columns as well", "Give another --separator, like ';'"
            )


def _separator(given: str) -> str:
    mark = _NAMED.get(given, given)
    if len(mark) != 1 or not mark.isascii() or mark.isalnum() or mark in '"\r\n\0\\.-+_ ':
        raise UsageError(f"--separator '{given}'", "it is no separator of columns", "Give ',', ';', '|' or tab")
    return mark


def _one_of(name: str, value: str | None, allowed: tuple[str, ...]) -> None:
    if value is not None and value not in allowed:
        raise UsageError(f"{name} '{value}'", "there is no such choice", f"Give one of: {'  '.join(allowed)}")


def _encoding(given: str) -> str:
    try:
        found = codecs.lookup(given)
        usable = found.name not in _NO_ENCODINGS and isinstance(b"a".decode(found.name, "replace"), str)
    except (LookupError, ValueError, TypeError):
        usable = False
    if not usable:
        raise UsageError(
            f"--encoding '{given}'", "there is no such encoding", "Give one like utf-8, utf-16 or windows-1252"
        )
    return found.name
