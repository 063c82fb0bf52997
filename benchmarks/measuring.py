"""Measuring: each piece in a fresh process, in turn, several rounds, and the medians.

Belongs here: starting the processes and summing up.
"""

from __future__ import annotations

import importlib.util
import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.piece import PIECES
from benchmarks.places import Place, as_of
from benchmarks.tasks import Measured, Task

_ROOT = Path(__file__).parents[1]
Listener = Callable[[str], None]
"""Hears a line of progress."""


@dataclass(frozen=True)
class Turn:
    """One piece within a round: what happens before the clock starts, and the address if it is another one."""

    piece: str
    before: Callable[[int], object] | None = None
    url: str | None = None


@dataclass(frozen=True)
class Result:
    """The medians of one piece over all rounds, the seconds of each, and the most memory of any."""

    piece: str
    seconds: float
    rows: int
    peak_mb: float
    all_seconds: tuple[float, ...]

    @property
    def title(self) -> str:
        """What was measured, in words."""
        return PIECES[self.piece].title


def missing(piece: str) -> tuple[str, ...]:
    """The packages that the piece needs and this environment lacks."""
    return tuple(name for name in PIECES[piece].packages if importlib.util.find_spec(name) is None)


def _interpreter(piece: str) -> str:
    """Each piece runs where its packages are; ours without the other tools', some of which DuckDB imports if it can."""
    own = _ROOT / ".venv" / "bin" / "python"
    return str(own) if not PIECES[piece].packages and own.is_file() else sys.executable


def once(piece: str, place: Place, *, url: str | None = None, memory_limit: str | None = None) -> Measured:
    """Do the piece once in a fresh process, in a scratch folder that goes with it."""
    with tempfile.TemporaryDirectory(dir=place.home) as scratch:
        task = Task(url or place.url, str(place.home), scratch, as_of().isoformat(), memory_limit)
        done = subprocess.run(
            [_interpreter(piece), "-m", "benchmarks.piece", piece],
            cwd=_ROOT,
            input=task.as_json(),
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode:
        raise RuntimeError(f"measuring {piece}: {done.stderr.strip()[-2000:]}")
    return Measured(**json.loads(done.stdout.strip().splitlines()[-1]))


def in_turn(place: Place, turns: Sequence[Turn], rounds: int, listen: Listener) -> list[Result]:
    """Do all turns, round after round, so that a busy moment of the machine hits them alike."""
    measured: dict[str, list[Measured]] = {turn.piece: [] for turn in turns}
    for number in range(1, rounds + 1):
        for turn in turns:
            if turn.before:
                turn.before(number)
            found = once(turn.piece, place, url=turn.url)
            measured[turn.piece].append(found)
            listen(f"{place.size}, round {number}: {PIECES[turn.piece].title}: {found.seconds:.2f} s")
    return [_summed_up(piece, found) for piece, found in measured.items()]


def _summed_up(piece: str, found: Sequence[Measured]) -> Result:
    seconds = tuple(one.seconds for one in found)
    return Result(piece, statistics.median(seconds), found[-1].rows, max(one.peak_mb for one in found), seconds)
