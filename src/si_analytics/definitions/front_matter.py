"""The comment a file under ``sql/`` opens with: a sentence, prose, and TOML between two lines of ``+++``.

Belongs here: taking the comment apart. What the fields mean is said in `models`.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from typing import Any

from si_analytics.errors import DefinitionError

_FENCE = "+++"
_NUMBERED = re.compile(r"^\d+_")


@dataclass(frozen=True)
class Opening:
    """What a file says before its query: one sentence, prose, and its fields as TOML has them."""

    summary: str
    description: str
    fields: dict[str, Any]


def parse(path: str, name: str, text: str) -> Opening:
    """The opening of the file `path`; raises DefinitionError where it is not laid out as `Opening` has it."""
    lines = [line[2:].removeprefix(" ").rstrip() for line in _comment(text)]
    if lines.count(_FENCE) != 2:
        found = f"its fields do not stand between two lines of {_FENCE}"
        raise DefinitionError(path, found, f"Write -- {_FENCE} before the first field and after the last")
    first = lines.index(_FENCE)
    last = lines.index(_FENCE, first + 1)
    opening, *prose = lines[:first] or [""]
    named, _, summary = opening.partition(": ")
    if named != _NUMBERED.sub("", name) or not summary:
        remedy = f"Let its first line be: -- {_NUMBERED.sub('', name)}: one sentence."
        raise DefinitionError(path, "it does not open by its name", remedy)
    # Empty lines in the place of what comes before keep the numbers of lines in messages right.
    fields = "\n".join([*[""] * (first + 1), *lines[first + 1 : last]])
    return Opening(summary, "\n".join(prose).strip(), toml(path, fields))


def toml(path: str, text: str) -> dict[str, Any]:
    """The fields in `text`; raises DefinitionError that names the line which is no TOML."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        reason = str(error)
        raise DefinitionError(
            path, f"its fields are no TOML: {reason[:1].lower()}{reason[1:]}", 'Write: field = "text"'
        ) from error


def query(text: str) -> str:
    """`text` without the comment it opens with."""
    return text.split("\n", len(_comment(text)))[-1].lstrip("\n")


def _comment(text: str) -> list[str]:
    """The lines before the first one that is no comment."""
    lines = []
    for line in text.splitlines():
        if not line.startswith("--"):
            break
        lines.append(line)
    return lines
