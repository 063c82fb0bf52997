"""`si diff`: what differs between two refreshes, and why."""

from __future__ import annotations

from typing import Annotated

import typer

from si_analytics.cli.output import Json, note
from si_analytics.cli.results import Format, shape, show

_WHICH = "A refresh's number, or a day: the last refresh as of that day."


def diff(
    a: Annotated[str | None, typer.Argument(help=f"{_WHICH} [default: the one before B]", show_default=False)] = None,
    b: Annotated[str | None, typer.Argument(help="Likewise. [default: the published one]", show_default=False)] = None,
    metric: Annotated[str | None, typer.Option(metavar="NAME", help="Print each cell of this metric.")] = None,
    key: Annotated[str | None, typer.Option(metavar="ID", help="With --column: why this row's cell differs.")] = None,
    value: Annotated[str | None, typer.Option(metavar="V", help="Of a funnel: the breakdown value of the row.")] = None,
    column: Annotated[str | None, typer.Option(metavar="COLUMN", help="With --key: why this cell differs.")] = None,
    listed: Annotated[bool, typer.Option("--list", help="List the refreshes that are kept.")] = False,
    format: Annotated[Format | None, typer.Option("--format", help="How to print it. [default: table]")] = None,
    json: Json = False,
) -> None:
    """Print what differs between two refreshes: a summary of each metric, one metric, or why one number changed.

    For example: si diff 2026-05-31, then si diff 2026-05-31 --metric agent_leaderboard, and for the source rows:
    si diff 2026-05-31 --metric agent_leaderboard --key AGENT_ID --column total_earnings
    """
    form = shape(format, json)
    from si_analytics import settings
    from si_analytics.query import diff as query_diff
    from si_analytics.warehouse import versions

    current = settings.load()
    if listed:
        show(query_diff.refreshes(current), form)
        return
    pair = versions.pair(current, a, b)
    whole = (value, key) if key is not None and value is not None else key
    frame = query_diff.between(current, pair, metric, whole, column)
    if not frame.is_empty() or form is not Format.table:
        show(frame, form)
    note(f"A is refresh {pair[0]}, B is refresh {pair[1]}")
    for sentence in query_diff.moved(current, *pair):
        note(f"Numbers moved though no row did: {sentence[0].lower()}{sentence[1:]}")
    if frame.is_empty():
        note("No source row differs" if column else "Nothing differs")
