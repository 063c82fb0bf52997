"""`si explain`: the source rows behind one number."""

from __future__ import annotations

from typing import Annotated

import typer

from si_analytics.cli.output import Json, note
from si_analytics.cli.results import Format, given, shape, show


def explain(
    metric: Annotated[str, typer.Argument(help="A metric or a funnel, like agent_leaderboard or invite.")],
    key: Annotated[str, typer.Argument(help="Which row: the id of the agent or sponsor; of a funnel the stage.")],
    column: Annotated[str, typer.Argument(help="Which column, like total_earnings or reached.")],
    since: Annotated[str | None, typer.Option(metavar="T", help="As the metric was asked for.")] = None,
    until: Annotated[str | None, typer.Option(metavar="T", help="As the metric was asked for.")] = None,
    tz: Annotated[str | None, typer.Option(metavar="ZONE", help="As the metric was asked for.")] = None,
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
    from si_analytics import explain as explaining
    from si_analytics import reader, settings

    asked = given(since=since, until=until, tz=tz, by=by, within=within)
    with reader.connect(settings.load()) as warehouse:
        frame = warehouse.explain(metric, key if value is None else (value, key), column, **asked)
    show(frame, form)
    note(f"{metric}.{column}: {explaining.how(metric, column)}")
