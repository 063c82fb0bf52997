"""Charts of the marketplace over time.

Belongs here: figures of `metrics.marketplace_monthly`.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import plotly.graph_objects as go
import polars as pl
from plotly.subplots import make_subplots

from si_analytics import formatting
from si_analytics.charts import theme

MONTHLY_COLUMNS = (
    "month",
    "new_deals",
    "completed_deals",
    "gmv",
    "active_sponsors",
    "active_influencers",
    "platform_revenue",
    "agent_payouts",
    "net_revenue",
    "take_rate",
    "refunds",
)


_NO_COMPLETED = "No deal was completed."
_NO_DEALS = "No deal was made."
_NO_RATE = "No take rate: no deal was completed."


def monthly(frame: pl.DataFrame, *, currency: str = "usd", title: str | None = None, dark: bool = False) -> go.Figure:
    """Each month's value of completed deals, and the platform's share of it.

    `frame` is a marketplace_monthly. Deals are kept in usd: under another reporting currency
    their value is unknown, and the chart draws the number of new deals instead.

    >>> monthly(warehouse.marketplace_monthly())        # doctest: +SKIP
    """
    formatting.require(frame, MONTHLY_COLUMNS, "the monthly chart")
    records = frame.sort("month").to_dicts()
    valued = frame["gmv"].null_count() < frame.height
    unit = f"Completed deals ({currency.upper()})" if valued else "New deals"
    heading = title or ("Marketplace by month" if valued else "New deals by month")
    if not records:
        return theme.nothing(heading, "No activity yet.", dark=dark)
    made = make_subplots(
        rows=2 if valued else 1,
        cols=1,
        shared_xaxes=True,
        vertical_spacing=0.16,
        row_heights=[0.62, 0.38] if valued else [1],
        subplot_titles=[unit, "Take rate"] if valued else [unit],
    )
    made.update_layout(template=theme.template(dark=dark), title={"text": heading}, height=430 if valued else 300)
    made.update_annotations(x=0, xanchor="left", font={"size": 13})
    values = [_float(record["gmv"] if valued else record["new_deals"]) for record in records]
    over_months = _over_months(records, currency)
    made.add_bar(row=1, col=1, y=values, meta=_NO_COMPLETED if valued else _NO_DEALS, **over_months)
    rates = [_float(record["take_rate"]) for record in records]
    if valued:
        line: dict[str, Any] = {"mode": "lines+markers", "marker": {"size": 5}}
        made.add_scatter(row=2, col=1, y=rates, meta=_NO_RATE, **line, **over_months)
        made.update_yaxes(tickformat=".0%", rangemode="tozero", nticks=4, row=2, col=1)
    made.update_yaxes(rangemode="tozero", nticks=6, row=1, col=1, **theme.amounts(values))
    made.update_xaxes(showgrid=False, tickformat="%b<br>%Y", dtick=_tick_months(len(records)))
    made.update_layout(showlegend=False, margin={"t": 84}, bargap=0.25)
    if not any(values):
        _say(made, 1, _NO_COMPLETED if valued else _NO_DEALS)
    if valued and all(rate is None for rate in rates):
        _say(made, 2, _NO_RATE)
    return made


def _say(made: go.Figure, row: int, words: str) -> None:
    """Make an empty panel say so, in place of its axes; the page does the same for a choice of months."""
    made.update_xaxes(visible=False, row=row, col=1)
    made.update_yaxes(visible=False, row=row, col=1)
    made.update_traces(hoverinfo="skip", hovertemplate=None, row=row, col=1)
    low, high = made.get_subplot(row, 1).yaxis.domain
    made.add_annotation(text=words, x=0.5, y=(low + high) / 2, xref="paper", yref="paper", opacity=0.8)


def _tick_months(count: int) -> str:
    """A step between labels that leaves about eight of them, so that they never collide."""
    return next((f"M{step}" for step in (1, 3, 6, 12, 24) if count <= 8 * step), "M60")


def _over_months(records: list[dict[str, Any]], currency: str) -> dict[str, Any]:
    """A bar or point as wide as its month, with all the month's figures on hover."""
    return {
        "x": [record["month"].isoformat() for record in records],
        "xperiod": "M1",
        "xperiodalignment": "start",
        "customdata": [_hover(record, currency.upper()) for record in records],
        "hovertemplate": "%{customdata}<extra></extra>",
    }


def _hover(record: Mapping[str, Any], currency: str) -> str:
    lines = [f"<b>{record['month']:%B %Y}</b>"]
    if record["gmv"] is not None:
        lines.append(
            f"Completed deals {record['completed_deals']:,}, worth {currency} {formatting.number(record['gmv'])}"
        )
    lines.append(f"New deals {record['new_deals']:,}")
    lines.append(f"Platform revenue {currency} {formatting.number(record['platform_revenue'])}")
    lines.append(f"Paid to agents {currency} {formatting.number(record['agent_payouts'])}")
    lines.append(f"Net {currency} {formatting.number(record['net_revenue'])}")
    if record["take_rate"] is not None:
        lines.append(f"Take rate {formatting.percent(record['take_rate'])}")
    return "<br>".join(lines)


def _float(value: Decimal | int | None) -> float | None:
    return None if value is None else float(value)
