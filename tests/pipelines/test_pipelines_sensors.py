"""The sensors: when a change of the operational data asks for a refresh, and who is told of a run that failed."""

from __future__ import annotations

import email
import json
import re
import socketserver
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from email.message import Message
from email.policy import default

import dagster as dg
import psycopg
import pytest
from dagster._core.remote_origin import RegisteredCodeLocationOrigin, RemoteJobOrigin, RemoteRepositoryOrigin
from dagster._grpc.server import DagsterApiServer
from dagster._utils import get_run_crash_explanation

from pipelines import alerts, sensors
from pipelines.definitions import defs
from si_analytics import refresh
from si_analytics.settings import Settings
from tests.support import pipeline_runs, worlds
from tests.support.pipeline_runs import failures


@pytest.fixture(scope="module")
def job() -> dg.JobDefinition:
    return defs().resolve_job_def("refresh_metrics")


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as made:
        yield made


@pytest.fixture
def small(settings: Settings, postgres: psycopg.Connection, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """One agent with one commission of 10.00, and one deal."""
    build = worlds.Build()
    build.transaction(build.agent(), "10.00")
    build.deal(build.influencer(), build.sponsor(), completed_at=worlds.AS_OF)
    worlds.insert(postgres, build.world)
    pipeline_runs.in_environment(monkeypatch, settings)
    return settings


def tick(
    instance: dg.DagsterInstance, cursor: str | None = None, clock: Callable[[], float] = time.time
) -> dg.SensorResult:
    """What one tick says."""
    with dg.build_sensor_context(instance=instance, cursor=cursor) as context:
        said = sensors.operational_changes(clock)(context)
    assert isinstance(said, dg.SensorResult)
    return said


def asked(said: dg.SensorResult) -> list[str]:
    """Because of which tables a refresh is asked for; empty where none is."""
    return [request.tags["changed"] for request in said.run_requests or []]


def why(said: dg.SensorResult) -> str:
    assert said.skip_reason is not None and not said.run_requests
    return said.skip_reason.skip_message or ""


def test_a_change_asks_for_one_refresh_and_what_that_writes_is_no_change(
    small: Settings, postgres: psycopg.Connection, instance: dg.DagsterInstance, job: dg.JobDefinition
) -> None:
    """Nothing read yet; read; a commission changes; the refresh, which writes to users and agent_profiles itself."""
    first = tick(instance)
    assert asked(first) == ["all"]
    refresh.run(small)
    quiet = tick(instance, first.cursor)
    assert why(quiet).startswith("Nothing changed: ")
    assert why(tick(instance, quiet.cursor)).startswith("Nothing changed: ")
    postgres.execute("update transactions set amount = 99")
    changed = tick(instance, quiet.cursor)
    assert asked(changed) == ["transactions"]
    assert asked(tick(instance, changed.cursor)) == ["transactions"]  # until a refresh has read it
    (request,) = changed.run_requests or []
    assert failures(job.execute_in_process(run_config=request.run_config, instance=instance)) == {}
    assert why(tick(instance, changed.cursor)).startswith("Nothing changed: ")


def test_looking_again_and_again_asks_for_nothing_and_is_itself_no_change(
    small: Settings, postgres: psycopg.Connection, instance: dg.DagsterInstance
) -> None:
    """Ten quiet looks. The cursor moves with the transactions of others alone: other tests' on this server."""
    refresh.run(small)
    cursor, held = tick(instance).cursor, 0
    for _ in range(10):
        before = transactions(postgres)
        quiet = tick(instance, cursor)
        assert why(quiet).startswith("Nothing changed: ")
        if json.loads(cursor or "")["snapshot"] == before == transactions(postgres):
            assert (quiet.cursor, why(quiet)) == (cursor, "Nothing changed: Postgres wrote nothing since the last look")
            held += 1
        cursor = quiet.cursor
    assert held > 0


def transactions(postgres: psycopg.Connection) -> str:
    """Which transaction numbers the server has given out, and which of them are at work."""
    row = postgres.execute("select pg_current_snapshot()::text").fetchone()
    assert row is not None
    return str(row[0])


@pytest.mark.parametrize("status", ["QUEUED", "STARTED"])
def test_nothing_is_asked_while_a_run_that_writes_is_queued_or_at_work(
    small: Settings, instance: dg.DagsterInstance, job: dg.JobDefinition, status: str
) -> None:
    """No question, so also no new cursor: a database out of reach is not noticed."""
    location = RegisteredCodeLocationOrigin("pipelines.definitions")
    origin = RemoteJobOrigin(RemoteRepositoryOrigin(location, "__repository__"), job.name)
    given = {"tags": job.run_tags, "remote_job_origin": origin, "job_code_origin": None}
    run = instance.create_run_for_job(job, status=dg.DagsterRunStatus[status], **given)
    said = tick(instance, "kept")
    assert (why(said), said.cursor) == (f"Run {run.run_id} of refresh_metrics is {status.lower()}", None)
    instance.report_run_canceled(run)
    assert asked(tick(instance)) == ["all"]


def test_after_a_refresh_that_failed_the_next_is_asked_for_a_quarter_of_an_hour_later(
    small: Settings, postgres: psycopg.Connection, instance: dg.DagsterInstance, job: dg.JobDefinition
) -> None:
    postgres.execute("update deals set completed_at = 'infinity'")
    result = job.execute_in_process(raise_on_error=False, instance=instance)
    assert "check_raw" in failures(result)
    (record,) = instance.get_run_records(limit=1)
    assert record.end_time is not None
    ended = record.end_time
    assert why(tick(instance, clock=lambda: ended + 60)) == (
        f"Run {result.run_id} failed; the next attempt is due in 14 minutes"
    )
    assert asked(tick(instance, clock=lambda: ended + timedelta(minutes=15).total_seconds())) == ["all"]


def test_a_cursor_of_another_release_is_left_and_a_database_out_of_reach_is_told(
    small: Settings, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    refresh.run(small)
    assert why(tick(instance, "1 2 3")).startswith("Nothing changed: ")
    monkeypatch.setenv("SI_POSTGRES_URL", "postgresql://someone:hunter2@127.0.0.1:1/none")
    with pytest.raises(Exception, match="127") as told:
        tick(instance)
    assert "hunter2" not in str(told.value)


def test_the_sensor_asks_once_a_minute_at_most_and_is_delivered_off() -> None:
    sensor = defs().resolve_sensor_def("operational_changes")
    assert (sensor.job_name, sensor.minimum_interval_seconds) == ("refresh_metrics", 60)
    assert sensor.default_status is dg.DefaultSensorStatus.STOPPED


def test_an_alert_tells_the_library_s_sentence_and_not_what_it_was_raised_from(
    small: Settings, instance: dg.DagsterInstance, job: dg.JobDefinition, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody listens there: DuckDB's own words, from which the library's error was raised, help nobody."""
    monkeypatch.setenv("SI_POSTGRES_URL", "postgresql://someone@127.0.0.1:1/none")
    result = job.execute_in_process(raise_on_error=False, instance=instance)
    failed = [event for event in result.all_events if event.is_step_failure and event.step_key == "extract"]
    (said,) = (sensors._cause(event) for event in failed)
    assert said.startswith("connecting to postgresql://someone@127.0.0.1:1/none: ")
    assert said.endswith("`si doctor` looks")


def test_an_alert_of_a_run_whose_process_was_killed_tells_of_the_signal(instance: dg.DagsterInstance) -> None:
    """Dagster's own words for the failure say that the run was marked so; what was seen stands before them."""
    run = instance.add_run(dg.DagsterRun(job_name="refresh_metrics", status=dg.DagsterRunStatus.STARTED))
    seen = get_run_crash_explanation(f"Run execution process for {run.run_id}", -9)
    instance.report_engine_event(seen, run, cls=DagsterApiServer)
    failed = instance.report_run_failed(run)
    instance.report_engine_event("Retrying", run)
    context = dg.build_run_status_sensor_context("run_failure", failed, instance, run).for_run_failure()
    assert sensors._reason(context) == (
        f"Run execution process for {run.run_id} was terminated by signal 9 (SIGKILL). This usually indicates that the"
        " process was killed by the operating system due to running out of memory."
    )


class Postbox(socketserver.StreamRequestHandler):
    """An SMTP server that keeps what it is given."""

    def handle(self) -> None:
        self.wfile.write(b"220 here\r\n")
        while line := self.rfile.readline():
            word = line[:4].upper()
            if word == b"DATA":
                self.wfile.write(b"354 go on\r\n")
                lines = iter(self.rfile.readline, b".\r\n")
                arrived: list[bytes] = self.server.arrived  # type: ignore[attr-defined]
                arrived.append(b"".join(lines))
            self.wfile.write(b"221 bye\r\n" if word == b"QUIT" else b"250 yes\r\n")
            if word == b"QUIT":
                return


def test_an_e_mail_of_a_failed_run_arrives() -> None:
    """At two people; what it says has accents, and no address of the server in it."""
    with socketserver.TCPServer(("127.0.0.1", 0), Postbox) as server:
        server.arrived = []  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        environment = {
            "ALERT_EMAIL_TO": "a@example.com, b@example.com",
            "ALERT_EMAIL_FROM": "si@example.com",
            "ALERT_SMTP_URL": f"smtp://127.0.0.1:{server.server_address[1]}",
        }
        assert alerts.send("Run 1 of refresh_metrics failed", "Step extract: Zoë", environment) == []
        server.shutdown()
        thread.join()
        (raw,) = server.arrived  # type: ignore[attr-defined]
    message: Message = email.message_from_bytes(raw, policy=default)
    assert message["Subject"] == "Run 1 of refresh_metrics failed"
    assert re.findall(r"\w@example.com", message["To"]) == ["a@example.com", "b@example.com"]
    assert message.get_content().strip() == "Step extract: Zoë"  # type: ignore[attr-defined]
