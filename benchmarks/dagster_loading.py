"""What loading the project's code location takes more than loading an empty one.

Belongs here: both in a fresh interpreter each, in turn, without any database: what a web server waits for after a
restart or a reload, and every run before its first step.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.dagster_overhead import ROOT, finished, interpreter
from benchmarks.measuring import Listener

_MOST = 3.0
_EMPTY = "import dagster; dagster.Definitions().get_repository_def()"
_OURS = "from pipelines.definitions import defs; defs().get_repository_def()"


@dataclass(frozen=True)
class Loading:
    """Medians of both, by the clock, and what ours takes more in seconds of the processor."""

    empty_seconds: float
    seconds: float
    more_work: float

    @property
    def more(self) -> float:
        """What ours takes more."""
        return self.seconds - self.empty_seconds

    @property
    def reached(self) -> bool:
        """Whether that is little enough."""
        return self.more < _MOST


def measured(rounds: int, listen: Listener) -> Loading | None:
    """Both in turn, after one of each that nobody counts; none where Dagster is not installed."""
    python = interpreter()
    if python is None:
        return None
    environment = {"PATH": os.defpath, "PYTHONPATH": os.pathsep.join((str(ROOT / "src"), str(ROOT)))}
    taken: dict[str, list[tuple[float, float]]] = {_EMPTY: [], _OURS: []}
    with tempfile.TemporaryDirectory() as folder:
        for number in range(rounds + 1):
            for script, seconds in taken.items():
                begun = time.perf_counter()
                work = finished([str(python), "-c", script], Path(folder), environment)
                if number:
                    seconds.append((time.perf_counter() - begun, work))
                    what = "an empty" if script == _EMPTY else "the project's"
                    listen(f"round {number}: loading {what} code location: {seconds[-1][0]:.2f} s")
    (empty, empty_work), (ours, ours_work) = (
        [statistics.median(column) for column in zip(*taken[script], strict=True)] for script in (_EMPTY, _OURS)
    )
    return Loading(empty, ours, ours_work - empty_work)
