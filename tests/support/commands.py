"""The command `si` as people and scripts run it: in this process where that will do, in one of its own where not."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from si_analytics import refresh, sample, settings
from si_analytics.cli import app
from si_analytics.settings import Settings

AS_OF = "2026-06-01T00:00:00Z"


@dataclass(frozen=True)
class Outcome:
    """What a command left: its exit code and what it wrote to either stream."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """What was written as one JSON document."""
        return json.loads(self.out)


def environment(settings: Settings | None, home: Path) -> dict[str, str]:
    """The settings as environment variables; the embedded server's where there are none."""
    given = {"SI_HOME": str(home if settings is None else settings.home)}
    if settings is not None and settings.postgres_url is not None:
        given["SI_POSTGRES_URL"] = settings.postgres_url.get_secret_value()
        if settings.source_url is not None:
            given["SI_SOURCE_URL"] = settings.source_url.get_secret_value()
        if "source_schema" in settings.model_fields_set:
            given["SI_SOURCE_SCHEMA"] = settings.source_schema
    return given


@dataclass(frozen=True)
class Command:
    """`si` in a folder of its own, with settings of its own."""

    folder: Path
    settings: dict[str, str]
    monkeypatch: pytest.MonkeyPatch
    capture: pytest.CaptureFixture[str]

    def __call__(self, *arguments: str) -> Outcome:
        """Run it in this process."""
        self.monkeypatch.chdir(self.folder)
        for name, value in self.settings.items():
            self.monkeypatch.setenv(name, value)
        self.capture.readouterr()
        code = app.run(arguments)
        out, err = self.capture.readouterr()
        return Outcome(code, out, err)

    def apart(self, *arguments: str, **more: Any) -> Outcome:
        """Run it in a process of its own, with pipes for its streams."""
        process = self.started(*arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **more)
        out, err = process.communicate(timeout=120)
        return Outcome(process.returncode, out.decode(), err.decode())

    def started(
        self, *arguments: str, environment: dict[str, str] | None = None, **more: Any
    ) -> subprocess.Popen[bytes]:
        """Start it in a process of its own and go on."""
        command = [sys.executable, "-m", "si_analytics", *arguments]
        given = {**os.environ, **self.settings, **(environment or {})}
        return subprocess.Popen(command, cwd=self.folder, env=given, stdin=subprocess.DEVNULL, **more)


Si = Callable[..., Command]
"""What the fixture `si` is: a function that gives the command for a database, or for none."""


@pytest.fixture(scope="module")
def shop(
    create_database: Callable[..., str], schema_template: str, tmp_path_factory: pytest.TempPathFactory
) -> Settings:
    """A small marketplace that was refreshed; only read by the tests that share it."""
    home = tmp_path_factory.mktemp("shop")
    url = create_database(schema_template)
    made = Settings(_env_file=None, postgres_url=url, home=home, warehouse=home / "warehouse.duckdb")  # type: ignore[call-arg, arg-type]
    sample.generate(made, scale=0.02)
    refresh.run(made, as_of=datetime.fromisoformat(AS_OF))
    return made


@pytest.fixture
def si(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Si:
    """A function that gives the command `si` for a database, or for none; no settings come from outside."""
    for name in settings.names():
        monkeypatch.delenv(name, raising=False)

    def on(using: Settings | None = None) -> Command:
        return Command(tmp_path, environment(using, tmp_path / "home"), monkeypatch, capsys)

    return on
