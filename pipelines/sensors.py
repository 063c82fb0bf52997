"""What reacts to what happens.

May import: `dagster`, `pipelines.alerts`.
"""

import os

import dagster as dg

from pipelines import alerts


def sensors() -> list[dg.SensorDefinition]:
    """Every sensor."""
    return [run_failure()]


def run_failure() -> dg.SensorDefinition:
    """Says which run failed, at which step, and why: in the daemon's log, and to whom `alerts` is to tell."""

    @dg.run_failure_sensor(
        name="run_failure",
        description="Tells of every failed run, which job, which step and why: in the log; to the webhook"
        " ALERT_WEBHOOK_URL and by e-mail to ALERT_EMAIL_TO, where these are set.",
        default_status=dg.DefaultSensorStatus.RUNNING,
    )
    def sensor(context: dg.RunFailureSensorContext) -> None:
        run = context.dagster_run
        subject = f"Run {run.run_id} of {run.job_name} failed"
        steps = [f"Step {event.step_key}: {_cause(event)}" for event in context.get_step_failure_events()]
        for line in (f"{subject}: {context.failure_event.message}", *steps):
            context.log.error(line)
        for trouble in alerts.send(subject, "\n".join(steps) or str(context.failure_event.message), os.environ):
            context.log.error(trouble)

    return sensor


def _cause(event: dg.DagsterEvent) -> str:
    """The innermost message: the library's own sentence, without Dagster's words around it."""
    error = event.step_failure_data.error
    while error is not None and error.cause is not None:
        error = error.cause
    return error.message.strip() if error is not None else event.message or "no reason given"
