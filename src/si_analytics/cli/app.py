"""Puts the commands together, and turns errors into one sentence and an exit code."""

from __future__ import annotations

import signal
import sys
import traceback
from collections.abc import Sequence
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from si_analytics.cli import data, database, dev, diff, doctor, explain, history, measure, output, results, watch
from si_analytics.errors import AnalyticsError

_BY_SIGNAL = 128  # what a shell adds to the number of the signal that ended a command

_ORDER = (
    "db",
    "schema",
    "sample",
    "load",
    "refresh",
    "watch",
    "metric",
    "measure",
    "explain",
    "diff",
    "history",
    "export",
    "ui",
    "lab",
    "mcp",
    "doctor",
)


class _InOrder(TyperGroup):
    """Lists the commands in the order people need them."""

    def list_commands(self, ctx: typer.Context) -> list[str]:  # type: ignore[override]
        return sorted(self.commands, key=_ORDER.index)


app = typer.Typer(
    name="si",
    cls=_InOrder,
    help="Analytics for the Source Impact marketplace: build, load, refresh, read, export.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    # Plain help: it loads at once, fits any width and reads no markup into the text.
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
app.add_typer(database.db, name="db")
app.add_typer(database.schema, name="schema")
app.command()(data.sample)
app.command()(data.load)
app.command()(data.refresh)
app.command()(watch.watch)
app.command()(results.metric)
app.command()(measure.measure)
app.command()(explain.explain)
app.command()(diff.diff)
app.add_typer(history.history, name="history")
app.add_typer(results.export, name="export")
app.command()(dev.ui)
app.command()(dev.lab)
app.command()(dev.mcp)
app.command()(doctor.doctor)


def _version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        output.say(f"si_analytics {version('si_analytics')}")
        raise typer.Exit


@app.callback()
def _options(
    debug: Annotated[
        bool, typer.Option("--debug", help="Show the traceback of an error; understood after a command as well.")
    ] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Analytics for the Source Impact marketplace: build, load, refresh, read, export."""


def run(arguments: Sequence[str]) -> int:
    """Run one command; return its exit code: 0 done, 1 failed, 2 wrong usage, 130 interrupted, 143 told to end."""
    told, debug = _without_debug(arguments)
    try:
        app(args=told, prog_name="si")
    except SystemExit as end:
        return _ended(_code(end))
    except Exception as error:  # noqa: BLE001 - any error must give people a sentence
        if debug:
            traceback.print_exception(error)
        if _signals:  # a library may have turned the signal into an error of its own
            return _ended(_BY_SIGNAL + _signals[0])
        output.fail(output.explained(error, told))
        return error.exit_code if isinstance(error, AnalyticsError) else 1
    return 0


def main() -> None:
    """The entry point of the command `si`."""
    # A refresh told to end (by a stopping container) cleans up as it does after Ctrl-C.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _receive)
    sys.exit(run(sys.argv[1:]))


_signals: list[int] = []


def _receive(number: int, frame: Any) -> None:
    _signals.append(number)
    raise KeyboardInterrupt if number == signal.SIGINT else SystemExit(_BY_SIGNAL + number)


def _ended(code: int) -> int:
    if code in {_BY_SIGNAL + signal.SIGINT, _BY_SIGNAL + signal.SIGTERM}:
        output.note("interrupted" if code == _BY_SIGNAL + signal.SIGINT else "told to end")
    return code


def _without_debug(arguments: Sequence[str]) -> tuple[list[str], bool]:
    """The arguments without ``--debug``, which may stand anywhere before a ``--``, and whether it was there."""
    options = list(arguments)
    rest = options.index("--") if "--" in options else len(options)
    told = [*(each for each in options[:rest] if each != "--debug"), *options[rest:]]
    return told, len(told) < len(options)


def _code(end: SystemExit) -> int:
    return end.code if isinstance(end.code, int) else int(end.code is not None)
