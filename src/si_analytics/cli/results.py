"""`si metric` and `si export`: numbers for people and files for people."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import polars as pl
import typer

from si_analytics import export as exporting
from si_analytics import funnels, reader, settings
from si_analytics.cli.output import Json, as_json, say, table
from si_analytics.errors import UsageError

export = typer.Typer(help="Write files for people who have nothing installed.", no_args_is_help=True)


class Format(StrEnum):
    """How a metric is printed."""

    table = "table"
    csv = "csv"
    json = "json"
    parquet = "parquet"


def metric(
    name: Annotated[str | None, typer.Argument(help="A metric or a funnel, like agent_leaderboard or invite.")] = None,
    since: Annotated[str | None, typer.Option(help="From this date or time on.")] = None,
    until: Annotated[str | None, typer.Option(help="Before this date or time.")] = None,
    by: Annotated[str | None, typer.Option(help="Break a funnel down, like method or month.")] = None,
    within: Annotated[str | None, typer.Option(help="Bound the time a funnel may take, like 14d.")] = None,
    tz: Annotated[str | None, typer.Option(help="Time zone of dates and months.")] = None,
    format: Annotated[Format, typer.Option("--format", help="How to print it.")] = Format.table,
    listed: Annotated[bool, typer.Option("--list", help="List every metric and funnel.")] = False,
    json: Json = False,
) -> None:
    """Print one metric or funnel from the warehouse."""
    if name is None and not listed:
        raise UsageError("si metric", "no metric was named", "Name one; `si metric --list` lists them")
    with reader.connect(settings.load()) as warehouse:
        if listed or name is None:
            frame = warehouse.metrics().select("name", "kind", "summary", "grain")
        elif reader.named(name) in funnels.names():
            frame = warehouse.funnel(name, by=by, within=within, since=since, until=until, tz=tz)
        elif by or within:
            raise UsageError(f"metric '{name}'", "--by and --within are for funnels", "Leave them out or name a funnel")
        else:
            frame = warehouse.metric(name, since=since, until=until, tz=tz)
    _print(frame, Format.json if json else format)


def _print(frame: pl.DataFrame, form: Format) -> None:
    if form is Format.json:
        as_json(frame.to_dicts())
    elif form is Format.csv:
        sys.stdout.write(frame.write_csv())
    elif form is Format.parquet:
        frame.write_parquet(sys.stdout.buffer)
    else:
        numbers = [name for name, kind in frame.schema.items() if kind.is_numeric()]
        table(frame.columns, frame.iter_rows(), numbers)


@export.command()
def dashboard(
    out: Annotated[Path | None, typer.Option(help="The file to write; default: under SI_HOME/exports.")] = None,
) -> None:
    """Write the dashboard: one HTML file that opens from disk with no network."""
    say(f"Wrote {exporting.dashboard(settings.load(), out)}")


@export.command()
def tables(
    out: Annotated[Path | None, typer.Option(help="The folder to write to; default: under SI_HOME/exports.")] = None,
    format: Annotated[exporting.TableFormat, typer.Option("--format")] = exporting.TableFormat.csv,
) -> None:
    """Write every published metric as a file of its own."""
    for path in exporting.tables(settings.load(), out, format):
        say(f"Wrote {path}")
