"""The result of a look: how well a thing is, and what to do if it is not.

Belongs here: the words for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum


class Verdict(StrEnum):
    """How well a thing is."""

    well = "ok"
    notable = "note"
    wrong = "WRONG"


@dataclass(frozen=True)
class Finding:
    """One thing looked at: how well it is, what was found, what to do if not."""

    verdict: Verdict
    what: str
    found: str
    remedy: str = ""


def rounded(age: timedelta) -> str:
    """``3 minutes``, ``5 hours``, ``2 days``."""
    minutes = int(age.total_seconds() // 60)
    for size, unit in ((1440, "day"), (60, "hour"), (1, "minute")):
        if minutes >= size:
            return f"{minutes // size} {unit}{'' if minutes // size == 1 else 's'}"
    return "less than a minute"
