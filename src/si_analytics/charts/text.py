"""Makes text that people typed safe for Plotly and short enough for an axis.

Belongs here: escaping and shortening of labels. In every text Plotly reads a small HTML of its own
(`<b>`, `<a href>`, `&amp;`), fills `%{...}` templates, and hands `$...$` to MathJax if a notebook
has loaded it; typed text must reach none of the three.
"""

from __future__ import annotations

import unicodedata

_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "$": "&#36;", "%": "&#37;"})
_FIRST_STRONG_ISOLATE, _POP_DIRECTIONAL_ISOLATE = "\u2068", "\u2069"
_JOINER = "\u200d"
_ELLIPSIS = "…"
_BROAD = frozenset("mwMW@%")


def escape(typed: str) -> str:
    """`typed` so that Plotly shows it letter by letter, with its writing direction kept to itself."""
    visible = "".join(" " if unicodedata.category(letter) == "Cc" else letter for letter in typed)
    return f"{_FIRST_STRONG_ISOLATE}{visible.translate(_ESCAPES)}{_POP_DIRECTIONAL_ISOLATE}"


def label(typed: str | None, width: int = 24) -> str:
    """`typed`, shortened to `width` columns and escaped; a label for a missing or blank name."""
    return escape(clip(typed, width)) if typed and typed.strip() else "(no name)"


def clip(typed: str, width: int) -> str:
    """`typed` cut to `width` columns with an ellipsis, never inside an accented letter or a joined emoji."""
    used = 0.0
    for position, letter in enumerate(typed):
        used += _columns(letter)
        if used > width:
            return typed[: _boundary(typed, position - 1)].rstrip() + _ELLIPSIS
    return typed


def width(typed: str) -> float:
    """Approximate number of columns that `typed` takes."""
    return sum(map(_columns, typed))


def _columns(letter: str) -> float:
    """Approximate width of `letter`, with the letter n as 1."""
    if unicodedata.category(letter) in {"Cf", "Mn", "Me"}:
        return 0
    if unicodedata.east_asian_width(letter) in "WF":
        return 2
    return 1.6 if letter in _BROAD else 1.3 if letter.isupper() else 1


def _boundary(typed: str, position: int) -> int:
    """The last position at or before `position` where a cut splits no letter."""
    while position > 0 and (_extends(typed[position]) or typed[position - 1] == _JOINER):
        position -= 1
    return max(position, 0)


def _extends(letter: str) -> bool:
    skin_tone = "\U0001f3fb" <= letter <= "\U0001f3ff"
    return letter == _JOINER or skin_tone or unicodedata.category(letter) in {"Mn", "Me", "Mc"}
