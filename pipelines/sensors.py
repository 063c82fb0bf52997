"""What reacts to what happens.

May import: `dagster`.
"""

import dagster as dg


def sensors() -> list[dg.SensorDefinition]:
    """Every sensor."""
    return [run_failure()]


def run_failure() -> dg.SensorDefinition:
    """Says in the daemon's log which run failed, at which step, and why."""

    @dg.run_failure_sensor(
        name="run_failure",
        description="Writes every failed run to the log: which job, which step, why.",
        default_status=dg.DefaultSensorStatus.RUNNING,
    )
    def sensor(context: dg.RunFailureSensorContext) -> None:
        run = context.dagster_run
        context.log.error(f"Run {run.run_id} of {run.job_name} failed: {context.failure_event.message}")
        for event in context.get_step_failure_events():
            context.log.error(f"Step {event.step_key}: {_cause(event)}")

    return sensor


def _cause(event: dg.DagsterEvent) -> str:
    """The innermost message: the library's own sentence, without Dagster's words around it."""
    error = event.step_failure_data.error
    while error is not None and error.cause is not None:
        error = error.cause
    return error.message.strip() if error is not None else event.message or "no reason given"
