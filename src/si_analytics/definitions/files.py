"""The SQL files: where they are, what their headers say.

Belongs here: finding, reading and describing files under ``sql/``. Runs nothing and formats
nothing into a query.

A file opens with a comment block: ``-- name: one sentence.``, then prose, then fields such as
``-- Grain    one row per agent``; a field's name starts in the comment's first column, is one
capitalised word and is set off by two or more spaces, its continuation lines are indented.
"""

from __future__ import annotations

import difflib
import functools
import os
import re
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from si_analytics.errors import AnalyticsError, UnknownNameError

_FIELD = re.compile(r"^([A-Z][A-Za-z]+)\s{2,}(\S.*)$")


@dataclass(frozen=True)
class SqlFile:
    """One SQL file: its folder, its name, its text and what its header says."""

    folder: str
    name: str
    text: str
    summary: str
    description: str
    fields: dict[str, str]

    def listed(self, field: str) -> tuple[str, ...]:
        """The comma- or dot-separated entries of a header field; empty where the field is absent."""
        value = self.fields.get(field, "")
        return tuple(part.strip() for part in re.split(r"[,·]", value) if part.strip())

    @property
    def path(self) -> str:
        """The file as people name it: ``sql/metrics/agent_leaderboard.sql``."""
        return f"sql/{self.folder}/{self.name}.sql"

    @property
    def key(self) -> tuple[str, ...]:
        """The columns that tell a row from all others: those of `Key`, or else the whole order."""
        return self.listed("Key") or tuple(part.split()[0] for part in self.listed("Order"))


@functools.cache
def root() -> Path:
    """The folder ``sql/``: the checkout's in an editable install, the wheel's copy otherwise."""
    packaged = Path(str(resources.files("si_analytics"))) / "sql"
    checkout = Path(__file__).resolve().parents[3] / "sql"
    for candidate in (packaged, checkout):
        if candidate.is_dir():
            return candidate
    raise AnalyticsError("reading the SQL files", "the folder sql/ is missing", "Reinstall si_analytics")


def names(folder: str) -> tuple[str, ...]:
    """The names of the files in ``sql/<folder>``, sorted."""
    # Every reading of a file asks for them, and pathlib's glob takes ten times as long.
    with os.scandir(root() / folder) as entries:
        return tuple(sorted(entry.name.removesuffix(".sql") for entry in entries if entry.name.endswith(".sql")))


def read(folder: str, name: str) -> SqlFile:
    """The file ``sql/<folder>/<name>.sql``; raises UnknownNameError that suggests the nearest name."""
    known = names(folder)
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"Did you mean '{near[0]}'? " if near else ""
        raise UnknownNameError(
            f"{folder} '{name}'", "there is none of that name", f"{hint}There are: {', '.join(known)}"
        )
    return _read(folder, name)


def _read(folder: str, name: str) -> SqlFile:
    return parse(folder, name, (root() / folder / f"{name}.sql").read_text(encoding="utf-8"))


def read_all(folder: str) -> tuple[SqlFile, ...]:
    """Every file of ``sql/<folder>``, in order of name."""
    return tuple(_read(folder, name) for name in names(folder))


@functools.lru_cache(maxsize=512)
def parse(folder: str, name: str, text: str) -> SqlFile:
    """The header of `text`, which stands before the first line that is not a comment."""
    prose: list[str] = []
    fields: dict[str, str] = {}
    current: str | None = None
    for line in text.splitlines():
        if not line.startswith("--"):
            break
        content = line[2:].removeprefix(" ").rstrip()
        match = _FIELD.match(content)
        if match:
            current = match.group(1)
            fields[current] = match.group(2)
        elif current and content.startswith(" "):
            fields[current] += " " + content.strip()
        else:
            current = None
            prose.append(content)
    paragraph = "\n".join(prose).strip()
    first, _, rest = paragraph.partition("\n")
    summary = first.partition(": ")[2] or first
    return SqlFile(folder, name, text, summary, rest.strip(), fields)
