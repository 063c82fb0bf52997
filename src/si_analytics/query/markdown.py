"""Writes Markdown: tables, names in code, plain text, lines of a page's width.

Belongs here: what the pages that `make catalog` makes are written with.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Sequence

_SPECIAL = re.compile(r"([\\*<>|\[\]])")


def sentence(summary: str) -> str:
    """The words with a capital at their beginning."""
    return summary[:1].upper() + summary[1:]


def narrow(line: str, indent: str = "  ") -> str:
    """The line over as many as it needs, those after the first indented."""
    return textwrap.fill(line, 120, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table with these heads."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def code(names: Iterable[str]) -> str:
    """The names in code, with commas."""
    return ", ".join(f"`{name}`" for name in names)


def text(words: str) -> str:
    """`words` as plain text: no markup, no table cell."""
    return _SPECIAL.sub(r"\\\1", words)
