"""The sensors: they react to changed data and to failed runs."""

import os
import re
import time
from collections.abc import Callable, Iterator

import dagster as dg

from pipelines import alerts, descriptions, jobs, orphaned_runs
from si_analytics import settings
from si_analytics.errors import UsageError
from si_analytics.refresh import watch

_SECONDS = 60
_AFTER_A_FAILURE = 15 * 60.0
_SENTENCES = ("si_analytics.errors.", "dagster._core.definitions.events.Failure: ")
_MARKED = "This run has been marked as failed"
_SPEAKER = re.compile(r"^\[\w+\] ")
_AT_WORK = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.MANAGED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]


def sensors() -> list[dg.SensorDefinition]:
    """Every sensor."""
    return [operational_changes(), run_failure(), orphaned_runs.runs_left_behind()]


def operational_changes(clock: Callable[[], float] = time.time) -> dg.SensorDefinition:
    """Asks Postgres whether anything that is read differs from the warehouse, and if so requests one refresh.

    Asks nothing while a run that writes to the warehouse is queued or running. After a failed refresh it waits
    a quarter of an hour: the change is still there, and each attempt would fail and alert again.
    """

    @dg.sensor(
        name="operational_changes",
        job=jobs.REFRESH_METRICS,
        minimum_interval_seconds=_SECONDS,
        description="Refreshes when the operational data changed; what a refresh itself wrote is no change. Asks"
        " nothing while a run that writes is queued or at work, nor for a quarter of an hour after one that failed.",
    )
    def sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        waiting = _waits_for(context.instance, clock())
        if waiting:
            return dg.SensorResult(skip_reason=waiting)
        seen = _look(context)
        if not seen.changed:
            return dg.SensorResult(skip_reason=f"Nothing changed: {seen.reason}", cursor=seen.cursor)
        context.log.info(f"A refresh is due: {seen.reason}")
        return dg.SensorResult([dg.RunRequest(tags={"changed": ", ".join(seen.tables) or "all"})], cursor=seen.cursor)

    return sensor


def _waits_for(instance: dg.DagsterInstance, now: float) -> str | None:
    """Why no refresh can be requested yet, or None if one can."""
    for run in instance.get_runs(dg.RunsFilter(tags=descriptions.WRITER, statuses=_AT_WORK), limit=1):
        return f"Run {run.run_id} of {run.job_name} is {run.status.value.lower()}"
    for record in instance.get_run_records(dg.RunsFilter(job_name=jobs.REFRESH_METRICS.name), limit=1):
        failed = record.dagster_run.status is dg.DagsterRunStatus.FAILURE
        left = (record.end_time or 0.0) + _AFTER_A_FAILURE - now
        if failed and left > 0:
            return f"Run {record.dagster_run.run_id} failed; the next attempt is due in {left / 60:.0f} minutes"
    return None


def _look(context: dg.SensorEvaluationContext) -> watch.Look:
    current = settings.load()
    try:
        return watch.look(current, context.cursor)
    except UsageError as error:
        context.log.warning(f"Looking from the beginning: {error}")  # another release left this cursor
        return watch.look(current)


def run_failure() -> dg.SensorDefinition:
    """Reports which run failed, at which step, and why: in the daemon's log, and to whom `alerts` tells."""

    @dg.run_failure_sensor(
        name="run_failure",
        description="Tells of every failed run, which job, which step and why: in the log; to the webhook"
        " ALERT_WEBHOOK_URL, by e-mail to ALERT_EMAIL_TO and to the services of ALERT_URLS, where these are set.",
        default_status=dg.DefaultSensorStatus.RUNNING,
    )
    def sensor(context: dg.RunFailureSensorContext) -> None:
        run = context.dagster_run
        subject, reason = f"Run {run.run_id} of {run.job_name} failed", _reason(context)
        steps = [f"Step {event.step_key}: {_cause(event)}" for event in context.get_step_failure_events()]
        for line in (f"{subject}: {reason}", *steps):
            context.log.error(line)
        text = "\n".join((*(steps or [reason]), *_link(run.run_id)))
        for trouble in alerts.send(subject, text, os.environ):
            context.log.error(trouble)

    return sensor


def _reason(context: dg.RunFailureSensorContext) -> str:
    """Why a run failed. If its process died, Dagster only says it marked the run; the message before has the reason."""
    said = str(context.failure_event.message)
    told = context.instance.all_logs(
        context.dagster_run.run_id, of_type={dg.DagsterEventType.ENGINE_EVENT, dg.DagsterEventType.RUN_FAILURE}
    )
    messages = [entry.dagster_event.message or "" for entry in told if entry.dagster_event]
    before = messages[messages.index(said) - 1] if said.startswith(_MARKED) and said in messages[1:] else said
    return _SPEAKER.sub("", before).partition(" Possible solutions include ")[0]


def _link(run_id: str) -> list[str]:
    """Where people see the run, if the environment gives the UI's address."""
    address = os.environ.get("ALERT_UI_URL", "").rstrip("/")
    return [f"{address}/runs/{run_id}"] if address else []


def _cause(event: dg.DagsterEvent) -> str:
    """The library's own sentence, whatever it was raised from; without one, the first cause."""
    chain = list(_chain(event))
    if any(name == "DagsterExecutionInterruptedError" for name, _ in chain):
        return "it was ended while at work: by somebody, or with the code location or the machine it ran on"
    messages = [message for _, message in chain]
    # People read these sentences: leave out the name of the class.
    said = [message.partition(": ")[2] for message in messages if message.startswith(_SENTENCES)]
    return next(iter(said or reversed(messages)), event.message or "no reason given")


def _chain(event: dg.DagsterEvent) -> Iterator[tuple[str | None, str]]:
    """The class and message of each error of a step, from Dagster's own to the first cause."""
    error = event.step_failure_data.error
    while error is not None:
        yield error.cls_name, error.message.strip()
        error = error.cause
