"""What a refresh costs more through Dagster than by `si refresh`, and whether that grows with the metrics.

Belongs here: both as people start them, each in a process of its own from the first line to the last, in turn, on the
same database, with the metrics there are and with as many again.
"""

from __future__ import annotations

import importlib.util
import os
import resource
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

ROOT = Path(__file__).parents[1]
_MOST = 10.0
EXTRAS = (0, 14)
"""How many metrics are added to those there are."""

_METRIC = """\
-- {name}: how many deals each sponsor has, to have one metric more.
--
-- +++
-- grain = "one row per sponsor with a deal"
-- inputs = "raw.deals"
-- order = "sponsor_id"
--
-- [params]
-- as_of = "timestamptz, exclusive"
--
-- [columns]
-- sponsor_id = "user id of the sponsor"
-- total_deals = ["deals", "deals with the sponsor"]
-- +++

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


_COMMAND = ("-m", "si_analytics", "refresh")
_JOB = ("-m", "dagster", "job", "execute", "-m", "pipelines.definitions", "-j", "refresh_metrics")


@dataclass(frozen=True)
class Project:
    """A copy of the project, what runs it, and how many metrics it has."""

    folder: Path
    environment: Mapping[str, str]
    metrics: int


@dataclass(frozen=True)
class Overhead:
    """Medians of both ways with so many metrics."""

    metrics: int
    command_seconds: float
    dagster_seconds: float
    more_work: float
    """What Dagster adds in seconds of the processor, which others that use the machine do not lengthen much."""

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
    own = ROOT / ".venv" / "bin" / "python"
    if importlib.util.find_spec("dagster"):
        return Path(sys.executable)
    return own if own.exists() else None


def measured(place: Place, rounds: int, listen: Listener, extras: Sequence[int] = EXTRAS) -> list[Overhead]:
    """Both ways in turn with each number of metrics, round after round, after a first refresh that reads all."""
    python = interpreter()
    if python is None:
        listen("dagster is left out: not installed (make test installs it)")
        return []
    with tempfile.TemporaryDirectory(dir=place.home) as folder:
        projects = [_prepared(Path(folder) / str(extra), place, extra) for extra in extras]
        for project in projects:
            _seconds(project, python, _COMMAND)
        taken: dict[tuple[int, tuple[str, ...]], list[tuple[float, float]]] = {}
        for number in range(1, rounds + 1):
            for project in projects:
                for way in (_COMMAND, _JOB):
                    seconds, work = _seconds(project, python, way)
                    taken.setdefault((project.metrics, way), []).append((seconds, work))
                    said = f"{project.metrics} metrics, {'si refresh' if way == _COMMAND else 'dagster'}"
                    listen(f"{place.size}, round {number}: {said}: {seconds:.2f} s")
    return [_summed_up(one.metrics, taken[one.metrics, _COMMAND], taken[one.metrics, _JOB]) for one in projects]


def _summed_up(metrics: int, command: Sequence[tuple[float, float]], job: Sequence[tuple[float, float]]) -> Overhead:
    (command_seconds, command_work), (job_seconds, job_work) = (
        [statistics.median(column) for column in zip(*taken, strict=True)] for taken in (command, job)
    )
    return Overhead(metrics, command_seconds, job_seconds, job_work - command_work)


def _prepared(folder: Path, place: Place, extra: int) -> Project:
    """A copy of the project with `extra` metrics more, and the environment that runs it."""
    for part in ("src", "sql", "pipelines"):
        shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    metrics = folder / "sql" / "metrics"
    for number in range(extra):
        name = f"one_more_{number:02}"
        (metrics / f"{name}.sql").write_text(_METRIC.format(name=name), encoding="utf-8")
    home = folder / "dagster"
    home.mkdir()
    (home / "dagster.yaml").write_text("telemetry:\n  enabled: false\n", encoding="utf-8")
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join((str(folder / "src"), str(folder))),
        "SI_POSTGRES_URL": place.url,
        "SI_HOME": str(folder / "home"),
        "DAGSTER_HOME": str(home),
    }
    return Project(folder, environment, len(list(metrics.glob("*.sql"))))


def _seconds(project: Project, python: Path, way: Sequence[str]) -> tuple[float, float]:
    """How long it took, and for how long of that it kept a processor busy."""
    started = time.perf_counter()
    work = finished([str(python), *way], project.folder, project.environment)
    return time.perf_counter() - started, work


def finished(command: Sequence[str], folder: Path, environment: Mapping[str, str]) -> float:
    """Run a command to its end, which has to be a good one; for how long it kept a processor busy."""
    worked = _work()
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"measuring {' '.join(command[1:5])}: {(done.stdout + done.stderr).strip()[-2000:]}")
    return _work() - worked


def _work() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
