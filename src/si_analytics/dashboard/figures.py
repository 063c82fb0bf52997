"""The charts of the dashboard, as the page's script draws them.

Belongs here: making figures of the library's own charts fit the page. A figure goes without its
template and title: the page brings both themes and its own headings. Ranked charts go with every
row, so that the page can draw the ones a filter leaves without writing or escaping a label itself.
May import: `charts`, and this package's `content`.
"""

from __future__ import annotations

from typing import Any

import plotly.graph_objects as go
import polars as pl

from si_analytics import charts
from si_analytics.charts import rows, theme
from si_analytics.dashboard.content import DashboardContent, Period

Figure = dict[str, Any]
_TOP_MARGIN, _TOP_OF_PANELS = 12, 34


def figures(content: DashboardContent) -> dict[str, Figure]:
    """Every chart of the page by name; the funnels' are called ``funnel:<name>:<breakdown>``, a period's end in it."""
    made = {
        "agents": _ranked_agents(content.agent_leaderboard, content.currency),
        "brands": _ranked_brands(content),
        **_funnels(content, content, ""),
    }
    for period in content.periods:
        made[f"agents:{period.key}"] = _ranked_agents(period.agent_leaderboard, content.currency)
        made |= _funnels(content, period, f":{period.key}")
    if content.agent_leaderboard.height:
        made["performance"] = _performance(content)
    return {**made, **_over_time(content)}


def _over_time(content: DashboardContent) -> dict[str, Figure]:
    """The charts of what the export may leave out."""
    names = dict(content.agent_leaderboard.select("agent_id", "agent_name").iter_rows())
    made = {f"times:{name}": _plain(charts.time_to_convert(frame)) for name, frame in content.times_to_convert.items()}
    if content.marketplace_monthly is not None:
        made["growth"] = _plain(charts.monthly(content.marketplace_monthly, currency=content.currency), _TOP_OF_PANELS)
    if content.signup_cohorts is not None:
        made["cohorts"] = _plain(charts.cohorts(content.signup_cohorts))
    if content.template_experiments is not None:
        made["experiments"] = _plain(charts.experiments(content.template_experiments, names=names))
    if content.history is not None:
        made["earnings"] = _plain(charts.earnings(content.history, currency=content.currency))
    return made


def templates() -> dict[str, Any]:
    """Both themes, once for the page."""
    return {
        "light": theme.template().to_plotly_json(),
        "dark": theme.template(dark=True).to_plotly_json(),
    }


def _ranked_agents(board: pl.DataFrame, currency: str) -> Figure:
    earned = board.filter(pl.col("total_earnings") > 0).height  # the first of the table: it goes by earnings
    return _ranked(charts.leaderboard(board, top=max(earned, 1), currency=currency), earned)


def _ranked_brands(content: DashboardContent) -> Figure:
    count = content.brand_reputations["rank"].count()  # the others are unrated, and last in the table
    return _ranked(charts.brand_reputation(content.brand_reputations, top=max(count, 1)), count)


def _performance(content: DashboardContent) -> Figure:
    """The first agent's chart, and what every agent's bars are: by rank, rounded to a tenth."""
    metrics, order = content.agent_performance_metrics, content.agent_leaderboard.sort("rank")["agent_id"].to_list()
    standing = {row[0]: row[1:] for row in charts.standings(metrics).iter_rows()}
    figure = _plain(charts.performance(metrics, order[0], currency=content.currency, title=""))
    figure["standings"] = [[None if part is None else round(part, 1) for part in standing[agent]] for agent in order]
    return figure


def _funnels(content: DashboardContent, of: DashboardContent | Period, ending: str) -> dict[str, Figure]:
    names = dict(content.agent_leaderboard.select("agent_id", "agent_name").iter_rows())
    whole = {
        f"funnel:{name}:all{ending}": _plain(charts.funnel(of.conversion_funnels, name))
        for name in sorted(set(of.conversion_funnels["funnel"].to_list()))
    }
    split = {
        f"funnel:{name}:{by}{ending}": _plain(
            charts.funnel_by(of.funnels_by_breakdown[name, by], names=names if by == "agent" else None)
        )
        for name, by in sorted(of.funnels_by_breakdown)
    }
    return {**whole, **split}


def _ranked(made: go.Figure, count: int) -> Figure:
    return {
        **_plain(made),
        "rows": count,
        "row_pixels": rows.ROW_PIXELS,
        "frame_pixels": made.layout.height - rows.ROW_PIXELS * max(count, 2) - _room(made, _TOP_MARGIN),
        "top": rows.TOP,
        "bottom": rows.BOTTOM,
    }


def _plain(made: go.Figure, top: int = _TOP_MARGIN) -> Figure:
    """The figure without its template and title, the room of the title given back."""
    parts = made.to_plotly_json()
    layout = parts["layout"]
    subtitle = layout.pop("title").get("subtitle", {}).get("text", "")
    layout.pop("template")
    layout["margin"] = {**layout.get("margin", {}), "t": top, "l": 4, "r": 4}
    layout["height"] -= _room(made, top)
    return {"data": parts["data"], "layout": layout, "subtitle": subtitle}


def _room(made: go.Figure, top: int) -> int:
    """The height that the title took beyond a margin of `top`."""
    margin = made.layout.margin.t or made.layout.template.layout.margin.t
    return int(margin) - top
