"""Runs whose process is gone with the machine: found, told and begun anew; those that live are left alone."""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Iterator

import dagster as dg
import pytest
from dagster._core.events import EngineEventData

from pipelines import orphaned_runs
from pipelines.definitions import defs


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral(settings={"run_retries": {"enabled": True}}) as made:
        yield made


def begun(instance: dg.DagsterInstance, pid: int | None) -> dg.DagsterRun:
    """A run that began in the process of that number, as the code location records it."""
    run = instance.add_run(
        dg.DagsterRun(
            job_name="refresh_metrics",
            status=dg.DagsterRunStatus.STARTED,
            tags=dict(defs().resolve_job_def("refresh_metrics").run_tags),
        )
    )
    if pid is not None:
        told = f"Started process for run (pid: {pid})."
        instance.report_engine_event(told, run, EngineEventData.in_process(pid))
    return run


def look(instance: dg.DagsterInstance, cursor: str | None = None) -> dg.SensorResult:
    with dg.build_sensor_context(instance=instance, cursor=cursor) as context:
        said = orphaned_runs.runs_left_behind()(context)
    assert isinstance(said, dg.SensorResult) and said.skip_reason is not None
    return said


def status(instance: dg.DagsterInstance, run: dg.DagsterRun) -> str:
    found = instance.get_run_by_id(run.run_id)
    assert found is not None
    return found.status.value


def nothing() -> None:
    """What a process does that is gone at once."""


@pytest.fixture
def ended() -> int:
    process = multiprocessing.get_context("spawn").Process(target=nothing)
    process.start()
    process.join()
    assert process.pid is not None
    return process.pid


@pytest.fixture
def living() -> Iterator[int]:
    process = multiprocessing.get_context("spawn").Process(target=time.sleep, args=(600,))
    process.start()
    assert process.pid is not None
    yield process.pid
    process.kill()
    process.join()


def test_a_run_whose_process_is_gone_at_two_looks_counts_as_failed_and_is_begun_anew(
    instance: dg.DagsterInstance, ended: int
) -> None:
    run = begun(instance, ended)
    first = look(instance)
    assert (status(instance, run), first.cursor) == ("STARTED", run.run_id)
    second = look(instance, first.cursor)
    assert (status(instance, run), second.cursor) == ("FAILURE", "")
    assert second.skip_reason is not None
    assert second.skip_reason.skip_message == f"Counted as failed: {run.run_id}"
    (failed,) = instance.all_logs(run.run_id, of_type=dg.DagsterEventType.RUN_FAILURE)
    assert failed.dagster_event is not None and failed.dagster_event.message == orphaned_runs.SAYS
    found = instance.get_run_by_id(run.run_id)
    assert found is not None and found.tags["dagster/will_retry"] == "true"


def test_a_run_that_just_ends_says_itself_how(instance: dg.DagsterInstance, ended: int) -> None:
    """Its process is gone before the code location has told of it: by the next look it has."""
    run = begun(instance, ended)
    first = look(instance)
    instance.report_run_canceled(run)
    assert look(instance, first.cursor).cursor == ""
    assert status(instance, run) == "CANCELED"


def test_a_run_that_lives_and_one_that_never_told_its_number_are_left_alone(
    instance: dg.DagsterInstance, living: int
) -> None:
    runs = [begun(instance, living), begun(instance, None)]
    cursor: str | None = None
    for _ in range(3):
        cursor = look(instance, cursor).cursor
    assert [status(instance, run) for run in runs] == ["STARTED", "STARTED"]


def test_a_number_that_another_program_was_given_since_is_no_run(instance: dg.DagsterInstance) -> None:
    run = begun(instance, os.getppid())
    assert look(instance, look(instance).cursor).cursor == ""
    assert status(instance, run) == "FAILURE"


def test_the_sensor_is_delivered_on_and_looks_twice_a_minute() -> None:
    sensor = defs().resolve_sensor_def("runs_left_behind")
    assert sensor.default_status is dg.DefaultSensorStatus.RUNNING
    assert sensor.minimum_interval_seconds == 30
