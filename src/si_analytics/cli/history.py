"""`si history`: shows and fills the leaderboard of past days."""

from __future__ import annotations

from typing import Annotated

import typer

from si_analytics.cli.output import Json, Progress, as_json, say
from si_analytics.cli.results import Format, given, shape, show
from si_analytics.errors import UsageError

_OLD_TIMES = "Old times with today's statuses, not time travel"

history = typer.Typer(
    help=f"Print the leaderboard as kept of each day, or fill the days that were not. {_OLD_TIMES}.",
    invoke_without_command=True,
)


@history.callback()
def _show(
    context: typer.Context,
    since: Annotated[str | None, typer.Option(metavar="D", help="From this day, or span's start, on.")] = None,
    until: Annotated[str | None, typer.Option(metavar="D", help="Before this day, or span's start.")] = None,
    during: Annotated[
        str | None, typer.Option(metavar="SPAN", help="Both at once: Q1 2026, ytd, last 30 days.")
    ] = None,
    agent: Annotated[str | None, typer.Option(metavar="ID", help="This agent's places alone.")] = None,
    currency: Annotated[str | None, typer.Option(metavar="CODE", help="The boards kept in this currency.")] = None,
    format: Annotated[Format | None, typer.Option("--format", help="How to print it. [default: table]")] = None,
    json: Json = False,
) -> None:
    """Print the leaderboard as kept of each day: by a refresh of that day, or by `si history backfill`."""
    asked = given(since=since, until=until, during=during, currency=currency)
    if context.invoked_subcommand is not None:
        if asked or agent is not None or format is not None or json:
            said = f"si history {context.invoked_subcommand}"
            raise UsageError(said, "options stand before it", f"Write them after it: {said} --since ...")
        return
    form = shape(format, json)
    from si_analytics import settings
    from si_analytics.query import warehouse as query_warehouse

    with query_warehouse.connect(settings.load()) as warehouse:
        frame = warehouse.history(agent, **asked)
    show(frame, form)


@history.command()
def backfill(
    since: Annotated[str | None, typer.Option(metavar="D", help="From this day, or span's start, on.")] = None,
    until: Annotated[
        str | None, typer.Option(metavar="D", help="Before this day. [default: the first that is not over]")
    ] = None,
    during: Annotated[
        str | None, typer.Option(metavar="SPAN", help="Both at once: Q1 2026, ytd, last 30 days.")
    ] = None,
    currency: Annotated[
        str | None, typer.Option(metavar="CODE", help="Currency that money is counted in. [default: the refresh's]")
    ] = None,
    missing: Annotated[bool, typer.Option("--missing", help="Leave days alone that have a board already.")] = False,
    json: Json = False,
) -> None:
    """Compute the leaderboard as of the end of each day, in the reporting time zone, and keep it.

    From what the last refresh read: old times with today's statuses, not time travel. A board that a refresh
    kept on its day is replaced, unless --missing is given. Readers go on meanwhile. Postgres is not needed.
    """
    from si_analytics import settings
    from si_analytics.query import warehouse as query_warehouse
    from si_analytics.refresh import backfill as filling

    current = settings.load()
    with query_warehouse.connect(current) as warehouse:
        first, last = filling.days(warehouse.present, since, until, during)
    with Progress("filling the history", quiet=json) as progress:
        report = filling.backfill(current, first, last, currency=currency, only_missing=missing, listen=progress)
    if json:
        as_json(report)
        return
    filled = f"{report.days:,} day{'' if report.days == 1 else 's'}"
    say(
        f"Filled {filled} from {report.first} to {report.last} ({report.timezone}): {report.rows:,} rows in"
        f" {report.currency}, {report.seconds:.1f} s. {_OLD_TIMES}"
    )
