"""`si explain`: the rows behind one number of a metric or measure."""

from __future__ import annotations

from typing import Annotated

import typer

from si_analytics.cli.output import Json, note
from si_analytics.cli.results import Format, filters, given, shape, show
from si_analytics.errors import UsageError


def explain(
    metric: Annotated[str, typer.Argument(help="A metric, funnel or measure: agent_leaderboard, invite, commission.")],
    cell: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="KEY COLUMN",
            help="Which row, by id, month or the columns of its key in their order, of a funnel by stage; then which"
            " column, like total_earnings or reached.",
        ),
    ] = None,
    where: Annotated[
        list[str] | None, typer.Option(metavar="D=V", help="Which cell of a measure, like agent.tier=gold; repeat it.")
    ] = None,
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
    """Print the rows behind one number, and say how they make it up.

    For example: si explain agent_leaderboard AGENT_ID total_earnings --since 2026-01-01
    or: si explain agent_performance_standings response_time AGENT_ID worse
    or: si explain invite accepted reached --by method --value email
    or: si explain commission --where agent.tier=gold --during "Q2 2026"
    """
    form = shape(format, json)
    from si_analytics import settings
    from si_analytics.query import warehouse as query_warehouse

    if value is not None and by is None:
        raise UsageError(
            f"si explain --value {value}", "it is not said of which breakdown", "Add --by, like --by method"
        )
    asked = given(since=since, until=until, during=during, tz=tz, currency=currency, as_of=as_of, by=by, within=within)
    with query_warehouse.connect(settings.load()) as warehouse:
        if not cell:
            column = None
            frame = warehouse.explain(metric, filters(where or [], "si explain"), **asked)
        else:
            key, column = _key_and_column(metric, cell, where)
            frame = warehouse.explain(metric, key if value is None else (value, *key), column, **asked)
        how = warehouse.how(metric, column)
    show(frame, form)
    note(f"{metric}{'' if column is None else f'.{column}'}: {how}")


def _key_and_column(metric: str, cell: list[str], where: list[str] | None) -> tuple[tuple[str, ...], str]:
    """The parts of a metric's cell; raises UsageError for half of one, and for a filter of one."""
    *key, column = cell
    if not key:
        raise UsageError(
            f"explaining {metric}",
            "it is not said which column",
            "Name it after the key; a measure takes --where alone",
        )
    if where:
        raise UsageError(f"explaining {metric} with --where", "that is for measures", "Leave it out")
    return tuple(key), column
