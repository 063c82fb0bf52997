"""What a refresh costs more through Dagster than by `si refresh`, and whether that grows with the metrics.

Belongs here: both as people start them, each in a process of its own from the first line to the last, in turn, on the
same database, with the metrics there are and with as many again. May import: `measuring`, `places`.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measuring import Listener
from benchmarks.places import Place

_ROOT = Path(__file__).parents[1]
_MOST = 10.0
EXTRAS = (0, 14)
"""How many metrics are added to those there are."""

_METRIC = """\
-- {name}: how many deals each sponsor has, to have one metric more.
--
-- Dialect  duckdb
-- Grain    one row per sponsor with a deal
-- Inputs   raw.deals
-- Params   $as_of  timestamptz, exclusive
-- Columns  sponsor_id: user id of the sponsor ·
--          total_deals (deals): deals with the sponsor
-- Order    sponsor_id

with

final as (

    select
        sponsor_id,
        count(*) as total_deals
    from raw.deals
    where created_at < $as_of
    group by sponsor_id

)

select * from final
order by sponsor_id
"""


@dataclass(frozen=True)
class Overhead:
    """Medians of both ways with so many metrics."""

    metrics: int
    command_seconds: float
    dagster_seconds: float

    @property
    def more(self) -> float:
        """What Dagster adds."""
        return self.dagster_seconds - self.command_seconds

    @property
    def reached(self) -> bool:
        """Whether that is little enough."""
        return self.more <= _MOST


def interpreter() -> Path | None:
    """The Python that has Dagster: this one, or that of the project's own environment; none where neither has it."""
    own = _ROOT / ".venv" / "bin" / "python"
    if importlib.util.find_spec("dagster"):
        return Path(sys.executable)
    return own if own.exists() else None


def measured(place: Place, rounds: int, listen: Listener, extras: Sequence[int] = EXTRAS) -> list[Overhead]:
    """Both ways, round after round, for each number of metrics; the first refresh, which reads all, is not counted."""
    python = interpreter()
    if python is None:
        listen("dagster is left out: not installed (make test installs it)")
        return []
    found = []
    for extra in extras:
        with tempfile.TemporaryDirectory(dir=place.home) as folder:
            tree, environment = _prepared(Path(folder), place, extra)
            metrics = len(list((tree / "sql" / "metrics").glob("*.sql")))
            ways = {
                "si refresh": [str(python), "-m", "si_analytics", "refresh"],
                "dagster": [
                    *(str(python), "-m", "dagster", "job", "execute"),
                    *("-m", "pipelines.definitions", "-j", "refresh_metrics"),
                ],
            }
            _seconds(ways["si refresh"], tree, environment)
            taken: dict[str, list[float]] = {way: [] for way in ways}
            for number in range(1, rounds + 1):
                for way, command in ways.items():
                    taken[way].append(_seconds(command, tree, environment))
                    listen(f"{place.size}, round {number}: {metrics} metrics, {way}: {taken[way][-1]:.2f} s")
            found.append(Overhead(metrics, *map(statistics.median, taken.values())))
    return found


def _prepared(folder: Path, place: Place, extra: int) -> tuple[Path, Mapping[str, str]]:
    """A copy of the project with `extra` metrics more, and the environment that runs it."""
    tree = folder / "project"
    for part in ("src", "sql", "pipelines"):
        shutil.copytree(_ROOT / part, tree / part, ignore=shutil.ignore_patterns("__pycache__"))
    for number in range(extra):
        name = f"one_more_{number:02}"
        (tree / "sql" / "metrics" / f"{name}.sql").write_text(_METRIC.format(name=name), encoding="utf-8")
    home = folder / "dagster"
    home.mkdir()
    (home / "dagster.yaml").write_text("telemetry:\n  enabled: false\n", encoding="utf-8")
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join((str(tree / "src"), str(tree))),
        "SI_POSTGRES_URL": place.url,
        "SI_HOME": str(folder / "home"),
        "DAGSTER_HOME": str(home),
    }
    return tree, environment


def _seconds(command: Sequence[str], tree: Path, environment: Mapping[str, str]) -> float:
    started = time.perf_counter()
    done = subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - started
    if done.returncode:
        raise RuntimeError(f"measuring {' '.join(command[2:5])}: {(done.stdout + done.stderr).strip()[-2000:]}")
    return seconds
