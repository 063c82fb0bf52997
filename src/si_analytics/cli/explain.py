"""`si explain`: the source rows behind one number."""

from __future__ import annotations

from typing import Annotated

import typer

from si_analytics.cli.output import Json, note
from si_analytics.cli.results import Format, given, shape, show
from si_analytics.errors import UsageError


def explain(
    metric: Annotated[str, typer.Argument(help="A metric or a funnel, like agent_leaderboard or invite.")],
    key: Annotated[str, typer.Argument(help="Which row: the id of the agent or sponsor; of a funnel the stage.")],
    column: Annotated[str, typer.Argument(help="Which column, like total_earnings or reached.")],
    since: Annotated[str | None, typer.Option(metavar="T", help="As the metric was asked for.")] = None,
    until: Annotated[str | None, typer.Option(metavar="T", help="As the metric was asked for.")] = None,
    during: Annotated[
        str | None, typer.Option(metavar="SPAN", help="Both at once: Q1 2026, ytd, last 30 days.")
    ] = None,
    tz: Annotated[str | None, typer.Option(metavar="ZONE", help="As the metric was asked for.")] = None,
    currency: Annotated[str | None, typer.Option(metavar="CODE", help="As the metric was asked for.")] = None,
    as_of: Annotated[
        str | None,
        typer.Option(metavar="T", help="An earlier moment, like 2026-05-31 or yesterday: old times, today's statuses."),
    ] = None,
    by: Annotated[str | None, typer.Option(metavar="X", help="What the funnel is broken down by.")] = None,
    value: Annotated[str | None, typer.Option(metavar="V", help="The value of the breakdown, like email.")] = None,
    within: Annotated[str | None, typer.Option(metavar="14d", help="As the funnel was asked for.")] = None,
    format: Annotated[Format | None, typer.Option("--format", help="How to print it. [default: table]")] = None,
    json: Json = False,
) -> None:
    """Print the source rows behind one number, and say how they make it up.

    For example: si explain agent_leaderboard AGENT_ID total_earnings --since 2026-01-01
    or: si explain invite accepted reached --by method --value email
    """
    form = shape(format, json)
    from si_analytics import settings
    from si_analytics.query import explain as explaining
    from si_analytics.query import warehouse as query_warehouse

    if value is not None and by is None:
        raise UsageError(
            f"si explain --value {value}", "it is not said of which breakdown", "Add --by, like --by method"
        )
    asked = given(since=since, until=until, during=during, tz=tz, currency=currency, as_of=as_of, by=by, within=within)
    with query_warehouse.connect(settings.load()) as warehouse:
        frame = warehouse.explain(metric, key if value is None else (value, key), column, **asked)
    show(frame, form)
    note(f"{metric}.{column}: {explaining.how(metric, column)}")
