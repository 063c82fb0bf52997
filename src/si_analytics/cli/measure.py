"""`si measure`: any measure, by anything its facts can be grouped by."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from si_analytics.cli.output import Json, lines, table
from si_analytics.cli.results import Format, filters, given, shape, show
from si_analytics.errors import UsageError


def measure(
    names: Annotated[list[str] | None, typer.Argument(help="One measure or several, like commission.")] = None,
    by: Annotated[list[str] | None, typer.Option(metavar="D,D", help="What to group by, like agent.tier,week.")] = None,
    where: Annotated[
        list[str] | None, typer.Option(metavar="D=V", help="Only what has this value, like agent.tier=gold; repeat it.")
    ] = None,
    since: Annotated[str | None, typer.Option(metavar="T", help="From this date, time or span's start on.")] = None,
    until: Annotated[str | None, typer.Option(metavar="T", help="Before this date, time or span's start.")] = None,
    during: Annotated[
        str | None, typer.Option(metavar="SPAN", help="Both at once: Q2 2026, mtd, last 8 weeks.")
    ] = None,
    compare: Annotated[
        str | None, typer.Option(metavar="WHAT", help="Beside the window before (previous) or last year's (year).")
    ] = None,
    top: Annotated[
        int | None, typer.Option(metavar="N", help="The N greatest of the first grouping; others pooled.")
    ] = None,
    totals: Annotated[bool, typer.Option("--totals", help="Add a row over everything.")] = False,
    fill: Annotated[bool, typer.Option("--fill", help="Add the periods in which nothing happened.")] = False,
    tz: Annotated[str | None, typer.Option(metavar="ZONE", help="Time zone of dates, weeks and months.")] = None,
    currency: Annotated[str | None, typer.Option(metavar="CODE", help="Currency that money is counted in.")] = None,
    as_of: Annotated[
        str | None,
        typer.Option(metavar="T", help="An earlier moment, like 2026-05-31 or yesterday: old times, today's statuses."),
    ] = None,
    format: Annotated[Format | None, typer.Option("--format", help="How to print it. [default: table]")] = None,
    listed: Annotated[
        bool, typer.Option("--list", help="List every measure; with NAME, what it can be grouped by.")
    ] = False,
    sql: Annotated[bool, typer.Option("--sql", help="Print the query instead, to run in the duckdb shell.")] = False,
    json: Json = False,
) -> None:
    """Print any measure by anything it goes with.

    For example: si measure commission --by agent.tier,week --during "Q2 2026" --compare previous --top 5 --totals
    or: si measure acceptance_rate --by template.variant --where method=email
    """
    form = shape(format, json)
    if not names and not listed:
        raise UsageError("si measure", "no measure was named", "Name one; `si measure --list` lists them")
    if listed:
        _list(names or [], form)
        return
    from si_analytics import settings
    from si_analytics.query import warehouse as query_warehouse

    when = given(since=since, until=until, during=during, tz=tz, currency=currency, as_of=as_of)
    groupings = [part.strip() for one in by or [] for part in one.split(",") if part.strip()]
    asked = {**when, **given(compare=compare, top=top), "by": groupings, "where": filters(where or [], "si measure")}
    with query_warehouse.connect(settings.load()) as warehouse:
        if sql:
            lines(warehouse.measure_sql(*names or (), **asked, totals=totals, fill=fill))
            return
        frame = warehouse.measure(*names or (), **asked, totals=totals, fill=fill)
    show(frame, form)


def _list(names: Sequence[str], form: Format) -> None:
    from si_analytics.query import slices

    if not names:
        listing = slices.listing()
        show(
            listing if form in {Format.json, Format.parquet} else listing.select("name", "unit", "fact", "meaning"),
            form,
        )
        return
    shared = [one for one in slices.dimensions(names[0]) if all(one in slices.dimensions(name) for name in names[1:])]
    table(["grouping"], [[one] for one in shared])
