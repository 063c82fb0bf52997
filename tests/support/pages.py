"""Pages of the documentation: their blocks of code, their prose."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path
from typing import Any

import typer.main
from typer import Exit

from si_analytics.cli.app import app


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)


def prose(page: Path) -> str:
    return re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)


def parse(arguments: list[str]) -> None:
    """Let the command line read these words, without doing what they say."""
    command: Any = typer.main.get_command(app)
    parent, name, rest = None, "si", arguments
    with contextlib.suppress(Exit), contextlib.redirect_stdout(None):
        while True:
            parent = command.make_context(name, list(rest), parent=parent)
            if not hasattr(command, "resolve_command"):
                return
            name, command, rest = command.resolve_command(parent, [*parent._protected_args, *parent.args])
