"""The warehouse's frames as tables for people, made with great_tables.

Belongs here: headings, units, and the form of each column. Cells become text before they
reach great_tables, so that money keeps every digit; great_tables escapes them.

>>> si.tables.leaderboard(warehouse.agent_leaderboard())        # doctest: +SKIP
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl
from great_tables import GT, loc, style

from si_analytics import arguments, formatting
from si_analytics.errors import UsageError

__all__ = ["brands", "funnel", "leaderboard", "performance"]

_FONTS = ["Segoe UI", "Roboto", "Helvetica Neue", "Arial", "sans-serif"]


@dataclass(frozen=True)
class _Column:
    """One column of a table: where its values come from, its heading, how a value is written."""

    source: str
    heading: str
    write: Callable[[Any], str] = formatting.number
    text: bool = False


@arguments.checked
def leaderboard(
    frame: pl.DataFrame, *, top: int | None = 20, currency: str = "usd", title: str = "Agent leaderboard"
) -> GT:
    """The leaderboard: places, places gained or lost if ranked against a window, earnings to the cent."""
    movement = [_Column("rank_change", "Moved", formatting.movement)] if formatting.has_movement(frame) else []
    columns = (
        _Column("rank", "Rank"),
        *movement,
        _Column("agent_name", "Agent", _words, text=True),
        _Column("tier", "Tier", _words, text=True),
        _Column("total_referrals", "Recruits"),
        _Column("total_deals", "Deals"),
        _Column("total_earnings", f"Earnings ({currency.upper()})"),
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
        _Column("user_id", "Agent", lambda key: _words((names or {}).get(key, key)), text=True),
        _Column("performance_score", "Score (of 100)"),
        _Column("total_earnings", f"Earnings ({currency.upper()})"),
        _Column("total_deals", "Deals"),
        _Column("total_referrals", "Recruits"),
        _Column("verified_referrals", "Verified"),
        _Column("average_conversion_time", "To convert (days)"),
        _Column("response_time", "To reply (hours)"),
        _Column("satisfaction_score", "Satisfaction (of 5)"),
    )
    order = ("-performance_score", "user_id")
    return _table(frame, columns, title, "agent", order=order, top=top, name="si-performance")


@arguments.checked
def brands(frame: pl.DataFrame, *, top: int | None = 20, title: str = "Brand reputation") -> GT:
    """Brands by reputation; those without a review have no rank and come last."""
    columns = (
        _Column("rank", "Rank"),
        _Column("company", "Brand", _words, text=True),
        _Column("reputation_score", "Reputation"),
        _Column("review_count", "Reviews"),
        _Column("overall_rating", "Overall"),
        _Column("payment_speed_rating", "Payment"),
        _Column("communication_rating", "Communication"),
        _Column("professionalism_rating", "Professionalism"),
        _Column("total_deals", "Deals"),
        _Column("average_payment_time", "Pays after (days)"),
    )
    order = ("rank", "-total_deals", "sponsor_id")
    return _table(frame, columns, title, "brand", order=order, top=top, name="si-brands")


@arguments.checked
def funnel(frame: pl.DataFrame, *, title: str | None = None) -> GT:
    """A funnel stage by stage; several funnels, or values of a breakdown, form groups one below the other."""
    columns = (
        _Column("stage", "Stage", _label, text=True),
        _Column("reached", "Reached"),
        _Column("dropped", "Lost"),
        _Column("conversion_from_previous", "From previous", formatting.percent),
        _Column("conversion_from_start", "From start", formatting.percent),
        _Column("median_hours_from_start", "Median time", formatting.hours),
        _Column("p90_hours_from_start", "90 % within", formatting.hours),
        _Column("immature", "Too recent"),
    )
    keys = ("funnel", "breakdown", "breakdown_value", "stage_number")
    formatting.require(frame, [*keys, *(column.source for column in columns)], "the table of a funnel")
    ordered = frame.sort(keys)
    cells = _written(ordered, columns)
    groups = [_group(row) for row in ordered.select(keys[:3]).iter_rows()]
    if len(set(groups)) > 1:
        cells = cells.with_columns(pl.Series("group", groups, dtype=pl.String))
        made = GT(cells, groupname_col="group", id="si-funnel")
    else:
        made = GT(cells, id="si-funnel")
    return _dressed(made, columns, title or (groups[0] if len(set(groups)) == 1 else "Funnels"), "")


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
    columns: Sequence[_Column],
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
    return _dressed(GT(_written(shown, columns), id=name), columns, title, subtitle)


def _written(frame: pl.DataFrame, columns: Sequence[_Column]) -> pl.DataFrame:
    """The cells as text, exactly as readers see them."""
    return pl.DataFrame(
        {
            column.source: [column.write(value) for value in formatting.values(frame[column.source])]
            for column in columns
        },
        schema={column.source: pl.String for column in columns},
    )


def _dressed(made: GT, columns: Sequence[_Column], title: str, subtitle: str) -> GT:
    figures = [column.source for column in columns if not column.text]
    return (
        made.tab_header(title=title, subtitle=subtitle or None)
        .cols_label({column.source: column.heading for column in columns})
        .cols_align("right", columns=figures)
        .cols_align("left", columns=[column.source for column in columns if column.text])
        .tab_style(
            style=style.css("font-variant-numeric: tabular-nums; white-space: nowrap;"), locations=loc.body(figures)
        )
        .tab_style(
            style=style.css("min-width: 8rem; max-width: 24rem; overflow-wrap: anywhere; unicode-bidi: isolate;"),
            locations=loc.body([column.source for column in columns if column.text]),
        )
        .opt_align_table_header("left")
        .tab_options(
            table_font_names=_FONTS,
            table_font_size="14px",
            heading_title_font_size="18px",
            heading_title_font_weight="600",
            column_labels_font_weight="600",
            data_row_padding="7px",
            table_border_top_style="none",
            table_border_bottom_style="none",
        )
    )
