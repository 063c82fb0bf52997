"""Putting the commands together, and turning errors into one sentence and an exit code."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from si_analytics import errors
from si_analytics.cli import data, database, desk, doctor, results
from si_analytics.cli.output import State, fail

app = typer.Typer(
    name="si",
    help="Analytics for the Source Impact marketplace: build, load, refresh, read, export.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(database.db, name="db")
app.add_typer(database.schema_commands, name="schema")
app.command()(data.sample)
app.command()(data.load)
app.command()(data.refresh)
app.command()(results.metric)
app.add_typer(results.export, name="export")
app.command()(desk.ui)
app.command()(desk.lab)
app.command()(doctor.doctor)


def _version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        typer.echo(f"si_analytics {version('si_analytics')}")
        raise typer.Exit


@app.callback()
def _options(
    context: typer.Context,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Analytics for the Source Impact marketplace: build, load, refresh, read, export."""
    context.obj = State(debug=debug)


def main() -> None:
    """The entry point: 0 done, 1 failed, 2 wrong usage."""
    try:
        app()
    except errors.AnalyticsError as error:
        if "--debug" in sys.argv:
            raise
        sys.exit(fail(error))
    except BrokenPipeError:
        # The reader of our output is gone (`si metric ... | head`): there is nobody left to tell.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except KeyboardInterrupt:
        sys.exit(130)
