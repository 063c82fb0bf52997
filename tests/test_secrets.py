"""A password is seen by nobody: in no list of processes, no output, no file, no event of a run."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import dagster as dg
import psycopg
import pytest

from si_analytics import sample, schema
from si_analytics.compute import facts
from si_analytics.settings import Settings
from tests.support import outside
from tests.support.pipeline_runs import launch

PASSWORD = "hunter2-hunter2"
SECRET = ("password", "token", "secret", "email", "phone", "address")


def command_lines() -> bytes:
    """What everybody on this machine may see of everybody's processes."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            found.append((process / "cmdline").read_bytes() + (process / "comm").read_bytes())
        except (FileNotFoundError, ProcessLookupError):
            continue  # it ended meanwhile
    return b"\n".join(found)


def test_a_password_is_in_no_process_no_output_no_file_and_no_record_of_a_refresh(
    outside_server: outside.OutsideServer, tmp_path: Path
) -> None:
    role, password = outside_server.create_role()
    url = outside_server.url_of(outside_server.create_database(role), role, password)
    settings = Settings(_env_file=None, postgres_url=url, home=tmp_path, warehouse=tmp_path / "w.duckdb")  # type: ignore[call-arg, arg-type]
    schema.apply(settings)
    sample.generate(settings, scale=0.02)
    environment = {**os.environ, "SI_POSTGRES_URL": url, "SI_HOME": str(tmp_path)}
    with subprocess.Popen(
        [sys.executable, "-m", "si_analytics", "--debug", "refresh"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as refreshing:
        seen = [command_lines()]
        while refreshing.poll() is None:
            seen.append(command_lines())
            time.sleep(0.02)
        said = refreshing.communicate()[0]
    assert refreshing.returncode == 0, said
    assert any(role.encode() in lines for lines in seen), "the server names whom its processes serve"
    assert not any(password.encode() in lines for lines in seen)
    assert password.encode() not in said
    held = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert held
    assert not [path for path in held if password.encode() in path.read_bytes()]
    with psycopg.connect(url) as connection:
        recorded = connection.execute("select refreshes::text from analytics.refreshes").fetchall()
    assert len(recorded) == 1
    assert password not in str(recorded)


def test_facts_and_dimensions_hold_no_secret_and_nothing_but_what_is_read() -> None:
    for table in facts.names():
        one = facts.of(table)
        assert all(read.startswith("raw.") for read in one.inputs), table
        told = [column.name for column in one.columns for word in SECRET if word in column.name]
        assert not told, table


@pytest.mark.parametrize(
    "parameters", [f"password={PASSWORD}", f"sslpassword={PASSWORD}", f"options=-c%20x%3D{PASSWORD}"]
)
def test_a_password_is_in_no_event_and_no_line_of_a_run_that_fails(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str], parameters: str
) -> None:
    """Nor in the errors that an error came from, of which the event log keeps each."""
    monkeypatch.setenv("SI_POSTGRES_URL", f"postgresql://ana@127.0.0.1:1/shop?{parameters}")
    monkeypatch.setenv("SI_HOME", str(tmp_path))
    result = launch("refresh_metrics")
    assert not result.success
    kept = "".join(dg.serialize_value(event) for event in result.all_events)
    assert "connecting to postgresql://ana@127.0.0.1:1/shop" in kept
    lines = capfd.readouterr()
    assert "Connection refused" in lines.err
    assert PASSWORD not in kept + lines.out + lines.err
