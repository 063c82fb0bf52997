"""Runs that were left behind: begun, and their process gone with a reboot, a power cut or all of the code location.

Belongs here: finding them and saying so. A run that is ended says so itself, and of one whose process dies the code
location tells that began it. Where both went at once nobody is left to tell: the run would count as at work, and keep
the queue waiting. Counted as failed it is told of like any other, and begun anew where its job asks for that.
"""

from __future__ import annotations

import re

import dagster as dg
import psutil

_SECONDS = 30
_PROCESS = re.compile(r"Started process for run \(pid: (\d+)\)")
_A_RUN = ("--multiprocessing-fork", "execute_run")

SAYS = "Its process is gone: the machine, or the code location, on which it ran went down"


def runs_left_behind() -> dg.SensorDefinition:
    """Counts a run as failed whose process was gone at two looks in a row: one that just ends may yet say how."""

    @dg.sensor(
        name="runs_left_behind",
        minimum_interval_seconds=_SECONDS,
        description="Counts a run as failed whose process is gone with the machine, within about a minute: run_failure"
        " tells of it, it is begun anew, and the queue moves on.",
        default_status=dg.DefaultSensorStatus.RUNNING,
    )
    def sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        before = set((context.cursor or "").split())
        gone = [run for run in _at_work(context.instance) if not _lives(context.instance, run)]
        left = [run for run in gone if run.run_id in before]
        for run in left:
            context.instance.report_run_failed(run, SAYS)
        told = f"Counted as failed: {', '.join(run.run_id for run in left)}" if left else "No run was left behind"
        return dg.SensorResult(skip_reason=told, cursor=" ".join(run.run_id for run in gone if run not in left))

    return sensor


def _at_work(instance: dg.DagsterInstance) -> list[dg.DagsterRun]:
    return list(instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED])))


def _lives(instance: dg.DagsterInstance, run: dg.DagsterRun) -> bool:
    """Whether the process of a run is there; one that never told its number is given the benefit of the doubt."""
    told = instance.all_logs(run.run_id, of_type=dg.DagsterEventType.ENGINE_EVENT)
    found = [match[1] for entry in told if (match := _PROCESS.match(entry.message or entry.user_message))]
    return not found or _is_run(int(found[-1]))


def _is_run(pid: int) -> bool:
    """Whether a process of that number is there, and is that of a run: after a reboot numbers are given anew."""
    try:
        words = psutil.Process(pid).cmdline()
    except psutil.NoSuchProcess:  # one that ended and that nobody asked about is no process any more either
        return False
    except psutil.AccessDenied:
        return True
    return any(word in words for word in _A_RUN)
