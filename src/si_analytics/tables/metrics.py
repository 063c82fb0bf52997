"""Tables of the warehouse's own metrics and funnels.

Belongs here: for each metric its columns, their headings and units, and its order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl
from great_tables import GT

from si_analytics import arguments, formatting
from si_analytics.errors import UsageError
from si_analytics.tables import layout
from si_analytics.tables.layout import Column


@arguments.checked
def leaderboard(
    frame: pl.DataFrame, *, top: int | None = 20, currency: str = "usd", title: str = "Agent leaderboard"
) -> GT:
    """The leaderboard: places, places gained or lost if ranked against a window, earnings to the cent."""
    movement = [Column("rank_change", "Moved", formatting.movement)] if formatting.has_movement(frame) else []
    columns = (
        Column("rank", "Rank"),
        *movement,
        Column("agent_name", "Agent", _words, text=True),
        Column("tier", "Tier", _words, text=True),
        Column("total_referrals", "Recruits"),
        Column("total_deals", "Deals"),
        Column("total_earnings", f"Earnings ({currency.upper()})"),
    )
    return _table(frame, columns, title, "agent", order=("rank",), top=top, name="si-leaderboard")


@arguments.checked
def performance(
    frame: pl.DataFrame,
    *,
    top: int | None = 20,
    currency: str = "usd",
    names: Mapping[str, str] | None = None,
    title: str = "Agent performance",
) -> GT:
    """The components of each agent's performance score, the best score first; `names` maps an agent to a name."""
    columns = (
        Column("user_id", "Agent", lambda key: _words((names or {}).get(key, key)), text=True),
        Column("performance_score", "Score (of 100)"),
        Column("total_earnings", f"Earnings ({currency.upper()})"),
        Column("total_deals", "Deals"),
        Column("total_referrals", "Recruits"),
        Column("verified_referrals", "Verified"),
        Column("average_conversion_time", "To convert (days)"),
        Column("response_time", "To reply (hours)"),
        Column("satisfaction_score", "Satisfaction (of 5)"),
    )
    order = ("-performance_score", "user_id")
    return _table(frame, columns, title, "agent", order=order, top=top, name="si-performance")


@arguments.checked
def brands(frame: pl.DataFrame, *, top: int | None = 20, title: str = "Brand reputation") -> GT:
    """Brands by reputation; those without a review have no rank and come last."""
    columns = (
        Column("rank", "Rank"),
        Column("company", "Brand", _words, text=True),
        Column("reputation_score", "Reputation"),
        Column("review_count", "Reviews"),
        Column("overall_rating", "Overall"),
        Column("payment_speed_rating", "Payment"),
        Column("communication_rating", "Communication"),
        Column("professionalism_rating", "Professionalism"),
        Column("total_deals", "Deals"),
        Column("average_payment_time", "Pays after (days)"),
    )
    order = ("rank", "-total_deals", "sponsor_id")
    return _table(frame, columns, title, "brand", order=order, top=top, name="si-brands")


@arguments.checked
def funnel(frame: pl.DataFrame, *, title: str | None = None) -> GT:
    """A funnel stage by stage; several funnels, or values of a breakdown, form groups one below the other."""
    columns = (
        Column("stage", "Stage", _label, text=True),
        Column("reached", "Reached"),
        Column("dropped", "Lost"),
        Column("conversion_from_previous", "From previous", formatting.percent),
        Column("conversion_from_start", "From start", formatting.percent),
        Column("median_hours_from_start", "Median time", formatting.hours),
        Column("p90_hours_from_start", "90 % within", formatting.hours),
        Column("immature", "Too recent"),
    )
    keys = ("funnel", "breakdown", "breakdown_value", "stage_number")
    formatting.require(frame, [*keys, *(column.source for column in columns)], "the table of a funnel")
    ordered = frame.sort(keys)
    cells = layout.written(ordered, columns)
    groups = [_group(row) for row in ordered.select(keys[:3]).iter_rows()]
    if len(set(groups)) > 1:
        cells = cells.with_columns(pl.Series("group", groups, dtype=pl.String))
        made = GT(cells, groupname_col="group", id="si-funnel")
    else:
        made = GT(cells, id="si-funnel")
    return layout.dressed(made, columns, title or (groups[0] if len(set(groups)) == 1 else "Funnels"), "")


def _group(key: Sequence[str]) -> str:
    name, breakdown, value = key
    title = f"{_label(name)} funnel"
    return title if breakdown == "all" else f"{title}, {breakdown.replace('_', ' ')}: {value}"


def _label(name: str) -> str:
    return name.replace("_", " ").capitalize()


def _words(typed: str | None) -> str:
    return typed if typed and typed.strip() else formatting.MISSING


def _table(
    frame: pl.DataFrame,
    columns: Sequence[Column],
    title: str,
    thing: str,
    *,
    order: Sequence[str],
    top: int | None,
    name: str,
) -> GT:
    asked = f"the table '{title}'"
    keys = [key.removeprefix("-") for key in order]
    formatting.require(frame, [*dict.fromkeys([*(column.source for column in columns), *keys])], asked)
    if top is not None and top < 1:
        raise UsageError(asked, f"top is {top}", "Give a top of 1 or more, or none for every row")
    ordered = frame.sort(keys, descending=[key.startswith("-") for key in order], nulls_last=True)
    shown = ordered if top is None else ordered.head(top)
    whole = formatting.plural(frame.height, thing)
    subtitle = whole if shown.height == frame.height else f"Top {shown.height:,} of {whole}"
    return layout.dressed(GT(layout.written(shown, columns), id=name), columns, title, subtitle)
