"""`si ui` and `si lab`: Dagster's web UI and JupyterLab, both on loopback."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from si_analytics import settings
from si_analytics.cli.output import say
from si_analytics.errors import AnalyticsError

_HOST = "127.0.0.1"


def ui(port: Annotated[int, typer.Option(help="Port on 127.0.0.1.")] = 3000) -> None:
    """Open Dagster's web UI on http://127.0.0.1:3000; Ctrl-C ends it."""
    root = _checkout("pipelines/definitions.py", "si ui")
    _need("dagster_webserver", "dagster")
    home = settings.load().home / "dagster"
    home.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(root / "dagster.yaml", home / "dagster.yaml")
    say(f"Dagster starts on http://{_HOST}:{port} (some 20 seconds); Ctrl-C ends it")
    _run(root, ["-m", "dagster", "dev", "--host", _HOST, "--port", str(port)], {"DAGSTER_HOME": str(home)})


def lab(port: Annotated[int, typer.Option(help="Port on 127.0.0.1.")] = 8888) -> None:
    """Open JupyterLab on the notebooks; Ctrl-C ends it."""
    root = _checkout("notebooks", "si lab")
    _need("jupyterlab", "lab")
    arguments = ["-m", "jupyterlab", str(root / "notebooks"), f"--ServerApp.ip={_HOST}", f"--ServerApp.port={port}"]
    if os.geteuid() == 0:
        arguments.append("--allow-root")
    _run(root, arguments, {})


def _checkout(needed: str, command: str) -> Path:
    root = settings.project_root(Path.cwd())
    if not (root / needed).exists():
        raise AnalyticsError(f"`{command}`", f"{needed} is not below {root}", "Run it inside a checkout of the project")
    return root


def _need(module: str, extra: str) -> None:
    if importlib.util.find_spec(module) is None:
        raise AnalyticsError(
            f"starting {module}", "it is not installed", f"Install it: pip install 'si_analytics[{extra}]'"
        )


def _run(root: Path, arguments: list[str], environment: dict[str, str]) -> NoReturn:
    """Become that program, so that Ctrl-C and the exit code are its own."""
    os.chdir(root)
    sys.stdout.flush()
    os.execve(sys.executable, [sys.executable, *arguments], {**os.environ, **environment})
