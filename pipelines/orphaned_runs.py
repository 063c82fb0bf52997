"""Runs left behind: begun, but their process died with a reboot, a power cut or the whole code location.

Belongs here: finding them and reporting them. A run that ends reports it itself; if its process dies, the code
location that began it does. If both die at once nobody reports it: the run would count as running and block
the queue. Counted as failed, it is reported like any other, and restarted if its job asks for that.
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
    """Counts a run as failed if two looks in a row find its process gone: a run just ending may yet report how."""

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
    """Whether a run's process exists; a run that never reported its process number counts as alive."""
    told = instance.all_logs(run.run_id, of_type=dg.DagsterEventType.ENGINE_EVENT)
    found = [match[1] for entry in told if (match := _PROCESS.match(entry.message or entry.user_message))]
    return not found or _is_run(int(found[-1]))


def _is_run(pid: int) -> bool:
    """Whether a process of that number exists and is that of a run: a reboot reassigns numbers."""
    try:
        words = psutil.Process(pid).cmdline()
    except psutil.NoSuchProcess:  # also raised for a zombie: it has ended too
        return False
    except psutil.AccessDenied:
        return True
    return any(word in words for word in _A_RUN)
