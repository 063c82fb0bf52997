"""Charts of what builds up: agents' earnings day by day, and how many of a month's signups came back.

Belongs here: figures of the boards kept for each day, and of `metrics.signup_cohorts`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import plotly.graph_objects as go
import polars as pl

from si_analytics import formatting
from si_analytics.charts import rows, text, theme

HISTORY_COLUMNS = ("as_of_date", "agent_id", "agent_name", "total_earnings", "rank")
COHORT_COLUMNS = ("cohort_month", "months_since", "cohort_size", "active", "retention")
_MONTHS_ACROSS = 12
_FEW_DAYS = 6


def earnings(
    frame: pl.DataFrame, *, top: int = 5, currency: str = "usd", title: str | None = None, dark: bool = False
) -> go.Figure:
    """Agents' total earnings, day by day: a line for each of the `top` earners of the latest day.

    `frame` holds the boards kept for each day; if it holds one agent alone, draws that agent.

    >>> earnings(warehouse.history(during="last 90 days"))        # doctest: +SKIP
    """
    formatting.require(frame, HISTORY_COLUMNS, "the chart of earnings")
    rows.positive(top, "the chart of earnings")
    heading = title or f"Earnings over time ({currency.upper()})"
    if frame.is_empty():
        return theme.nothing(heading, "No day has been kept yet.", dark=dark)
    has_earned = (pl.col("total_earnings") != 0).any().over("agent_id")
    is_latest = pl.col("as_of_date") == pl.col("as_of_date").max()
    latest = frame.filter(is_latest & has_earned).sort("rank")
    if latest.is_empty():
        return theme.nothing(heading, "Nobody has earned anything yet.", dark=dark)
    chosen = latest.head(top).to_dicts()
    made = theme.figure(heading, _span(frame, len(chosen), latest.height), height=400, dark=dark)
    for position, agent in enumerate(chosen):
        days = frame.filter(pl.col("agent_id") == agent["agent_id"]).sort("as_of_date").to_dicts()
        _add_line(made, days, position, currency.upper(), alone=len(days) == 1)
    made.update_xaxes(type="date", showgrid=False, tickformat="%-d %b<br>%Y", tickangle=0, **_ticks(frame))
    made.update_yaxes(nticks=6, **theme.amounts(float(value) for value in frame["total_earnings"].to_list()))
    made.update_layout(showlegend=len(chosen) > 1, margin={"b": 40 + 22 * len(chosen)})
    made.update_layout(legend={"orientation": "v"})
    return made


def _ticks(frame: pl.DataFrame) -> dict[str, Any]:
    """Label a few days only: Plotly itself would add labels between them, which repeat the day."""
    days = [day.isoformat() for day in frame["as_of_date"].unique().sort()]
    return {"tickvals": days} if len(days) <= _FEW_DAYS else {"nticks": _FEW_DAYS}


def _span(frame: pl.DataFrame, shown: int, count: int) -> str:
    first, last = _day(frame["as_of_date"].min()), _day(frame["as_of_date"].max())
    days = f"{first} to {last}" if first != last else first
    return f"{rows.shown_of(shown, count, 'agent')}, {days}"


def _day(value: Any) -> str:
    return f"{value.day} {value:%b %Y}"


def _add_line(made: go.Figure, days: list[dict[str, Any]], position: int, currency: str, *, alone: bool) -> None:
    made.add_scatter(
        x=[day["as_of_date"].isoformat() for day in days],
        y=[float(day["total_earnings"]) for day in days],
        mode="markers" if alone else "lines",
        marker={"size": 9},
        line={"dash": theme.DASHES[position % len(theme.DASHES)]},
        name=text.label(days[-1]["agent_name"], 30),
        customdata=[_earnings_hover(day, currency) for day in days],
        hovertemplate="%{customdata}<extra></extra>",
    )


def _earnings_hover(day: Mapping[str, Any], currency: str) -> str:
    return (
        f"<b>{text.label(day['agent_name'], 60)}</b><br>Until {_day(day['as_of_date'])}: "
        f"{currency} {formatting.number(day['total_earnings'])}<br>Rank {day['rank']:,} that day"
    )


def cohorts(frame: pl.DataFrame, *, top: int = 12, title: str | None = None, dark: bool = False) -> go.Figure:
    """The share of a month's signups that was party to a deal in each month after.

    `frame` is a signup_cohorts; draws the latest `top` signup months, a year of each.

    >>> cohorts(warehouse.signup_cohorts())        # doctest: +SKIP
    """
    formatting.require(frame, COHORT_COLUMNS, "the cohort chart")
    rows.positive(top, "the cohort chart")
    heading = title or "Retention by month of signing up"
    if frame.is_empty():
        return theme.nothing(heading, "Nobody has signed up yet.", dark=dark)
    if not frame["active"].sum():
        return theme.nothing(heading, "None of those who signed up has had a deal yet.", dark=dark)
    every = formatting.values(frame["cohort_month"].unique().sort())
    months = every[-top:]
    subtitle = "Percent of signups with a deal, months later"
    if len(every) > len(months):
        subtitle = f"Latest {len(months)} of {formatting.plural(len(every), 'month')}: percent with a deal"
    made = theme.figure(heading, subtitle, height=128 + 27 * max(len(months), 3), dark=dark)
    _add_cohorts(made, frame, months)
    made.update_layout(
        xaxis={"showgrid": False, "ticks": "", "tickangle": 0, "tickfont": {"size": 11}, "range": [-0.5, 12.5]},
        yaxis={"showgrid": False, "ticks": "", "autorange": "reversed", "type": "category", "tickfont": {"size": 11}},
        margin={"b": 40},
    )
    made.update_xaxes(tickvals=list(range(_MONTHS_ACROSS + 1)), title={"text": "months since"}, zeroline=False)
    return made


def _add_cohorts(made: go.Figure, frame: pl.DataFrame, months: list[date | str]) -> None:
    first = frame.filter(pl.col("months_since") <= _MONTHS_ACROSS)
    found = (dict(zip(first.columns, row, strict=True)) for row in formatting.rows(first))
    cells = {(row["cohort_month"], row["months_since"]): row for row in found}
    grid = [[cells.get((month, since)) for since in range(_MONTHS_ACROSS + 1)] for month in months]
    shares = [[float(cell["retention"]) if cell else None for cell in line] for line in grid]
    made.add_heatmap(
        z=shares,
        x=list(range(_MONTHS_ACROSS + 1)),
        y=[_month(month, "%b %Y") for month in months],
        text=[[_share(cell) for cell in line] for line in grid],
        texttemplate="%{text}",
        textfont={"size": 10},
        customdata=[[_cohort_hover(cell) for cell in line] for line in grid],
        hovertemplate="%{customdata}<extra></extra>",
        hoverongaps=False,
        zmin=0,
        zmax=max((share for line in shares for share in line if share is not None), default=0) or 1,
        xgap=1,
        ygap=1,
        showscale=False,
    )


def _month(first: date | str, form: str) -> str:
    """A month; if Python lacks its year, the table's own text without the day."""
    return first.rpartition("-")[0] if isinstance(first, str) else first.strftime(form)


def _share(cell: Mapping[str, Any] | None) -> str:
    if cell is None:
        return ""
    share: Decimal = cell["retention"]
    return f"{(share * 100).quantize(Decimal(1), rounding=ROUND_HALF_UP)}"


def _cohort_hover(cell: Mapping[str, Any] | None) -> str:
    if cell is None:
        return ""
    since = formatting.plural(cell["months_since"], "month")
    when = f"{since} after signing up" if cell["months_since"] else "the month of signing up"
    month = _month(cell["cohort_month"], "%B %Y")
    return (
        f"<b>Signed up in {month}</b>: {formatting.plural(cell['cohort_size'], 'user')}<br>"
        f"{when[:1].upper()}{when[1:]}: {cell['active']:,} with a deal, {formatting.percent(cell['retention'])}"
    )
