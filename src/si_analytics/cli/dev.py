"""`si ui`, `si lab` and `si mcp`: Dagster's web UI and JupyterLab on loopback, and the server for assistants."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from si_analytics.cli.output import Json, as_json, note, say
from si_analytics.errors import AnalyticsError, UsageError

_HOST = "127.0.0.1"

Port = Annotated[int, typer.Option(min=1, max=65535, help="Port on 127.0.0.1.")]


def ui(port: Port = 3000, json: Json = False) -> None:
    """Run Dagster's web UI.

    There is the graph of every number, and the job that refreshes them. Ctrl-C ends it.
    """
    from si_analytics import settings
    from si_analytics.postgres import sockets

    root = _checkout("pipelines/definitions.py", "si ui")
    _need("dagster_webserver", "dagster")
    sockets.require_free(port)
    home = settings.load().home / "dagster"
    home.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(root / "dagster.yaml", home / "dagster.yaml")
    _tell("Dagster", port, json)
    _become(root, ["-m", "dagster", "dev", "--host", _HOST, "--port", str(port)], {"DAGSTER_HOME": str(home)})


def lab(port: Port = 8888, json: Json = False) -> None:
    """Run JupyterLab on the notebooks.

    It prints the address to open, with the token that lets you in. Ctrl-C ends it.
    """
    from si_analytics.postgres import sockets

    root = _checkout("notebooks", "si lab")
    _need("jupyterlab", "lab")
    sockets.require_free(port)
    _tell("JupyterLab", port, json)
    _become(root, lab_arguments(root / "notebooks", port), lab_environment(root, os.environ))


def mcp(
    seconds: Annotated[int, typer.Option(min=1, max=3600, help="How long one question may take.")] = 30,
    rows: Annotated[int, typer.Option(min=1, max=1000, help="How many rows an answer has at most.")] = 1000,
    memory: Annotated[str, typer.Option(help="What one question may use, like 512MB or 2GB.")] = "1GB",
    json: Annotated[bool, typer.Option("--json", help="Print what to write into its settings, and end.")] = False,
) -> None:
    """Let an AI assistant ask for numbers, over the Model Context Protocol.

    The assistant starts it itself and talks to it over standard input and output: docs/mcp.md has
    what to write into its settings. It reads a copy of the warehouse without personal columns.
    """
    from si_analytics import settings

    _need("mcp", "mcp")
    try:
        settings.size(memory)
    except ValueError as error:
        raise UsageError(f"--memory {memory}", f"it {error}", "Give a size") from error
    if json:
        as_json({"mcpServers": {"si_analytics": _started_by_an_assistant(seconds, rows, memory)}})
        return
    from si_analytics.mcp import server
    from si_analytics.mcp.asking import Limits

    if sys.stdin.isatty():
        note("Waiting for an assistant on standard input: docs/mcp.md says how it starts this itself. Ctrl-C ends it")
    server.run(settings.load(), Limits(seconds, rows, memory))


def _started_by_an_assistant(seconds: int, rows: int, memory: str) -> dict[str, Any]:
    """What an assistant must know to start `si mcp` as it is asked for here, from any folder."""
    from si_analytics import settings

    using = settings.load()
    options = ["--seconds", str(seconds), "--rows", str(rows), "--memory", memory]
    return {
        "command": sys.executable,
        "args": ["-m", "si_analytics", "mcp", *options],
        "env": {"SI_HOME": str(using.home), "SI_WAREHOUSE": str(using.warehouse)},
    }


def lab_arguments(folder: Path, port: int) -> list[str]:
    """Python's arguments to start JupyterLab on `folder`, on loopback."""
    arguments = ["-m", "jupyterlab", str(folder), f"--ServerApp.ip={_HOST}", f"--ServerApp.port={port}"]
    return [*arguments, "--allow-root"] if os.geteuid() == 0 else arguments


def lab_environment(root: Path, environment: Mapping[str, str]) -> dict[str, str]:
    """Adds our JupyterLab settings to people's own, so that it asks for neither news nor newer versions."""
    given = environment.get("JUPYTER_CONFIG_PATH")
    ours = str(root / "notebooks" / ".jupyter")
    return {"JUPYTER_CONFIG_PATH": os.pathsep.join([given, ours] if given else [ours])}


def _checkout(needed: str, command: str) -> Path:
    from si_analytics import settings

    root = settings.project_root(Path.cwd())
    if not (root / needed).exists():
        raise AnalyticsError(f"`{command}`", f"{needed} is not below {root}", "Run it inside a checkout of the project")
    return root


def _need(module: str, extra: str) -> None:
    if importlib.util.find_spec(module) is None:
        raise AnalyticsError(
            f"starting {module}", "it is not installed", f"Install it: pip install 'si_analytics[{extra}]'"
        )


def _tell(what: str, port: int, json: bool) -> None:
    address = f"http://{_HOST}:{port}"
    if json:
        as_json({"url": address})
    else:
        say(f"{what} starts on {address} and answers after some seconds; Ctrl-C ends it")


def _become(root: Path, arguments: list[str], environment: dict[str, str]) -> NoReturn:
    """Become that program, so that Ctrl-C and the exit code are its own."""
    os.chdir(root)
    os.execve(sys.executable, [sys.executable, *arguments], {**os.environ, **environment})
