"""The charts of the dashboard, as the page's script draws them.

Belongs here: making figures of the library's own charts fit the page. A figure goes without its
template and title: the page brings both themes and its own headings. Ranked charts go with every
row, so that the page can draw the ones a filter leaves without writing or escaping a label itself.
May import: `charts`, and this package's `content`.
"""

from __future__ import annotations

from typing import Any

import plotly.graph_objects as go

from si_analytics import charts
from si_analytics.charts import rows, theme
from si_analytics.dashboard.content import DashboardContent

Figure = dict[str, Any]
_TOP_MARGIN, _TOP_OF_PANELS = 12, 34


def figures(content: DashboardContent) -> dict[str, Figure]:
    """Every chart of the page by name; the funnels' are called ``funnel:<name>:<breakdown>``."""
    made = {"agents": _ranked_agents(content), "brands": _ranked_brands(content), **_funnels(content)}
    if content.agent_leaderboard.height:
        made["performance"] = _performance(content)
    if content.marketplace_monthly is not None:
        made["growth"] = _plain(charts.monthly(content.marketplace_monthly, currency=content.currency), _TOP_OF_PANELS)
    return made


def templates() -> dict[str, Any]:
    """Both themes, once for the page."""
    return {
        "light": theme.template().to_plotly_json(),
        "dark": theme.template(dark=True).to_plotly_json(),
    }


def _ranked_agents(content: DashboardContent) -> Figure:
    count = content.agent_leaderboard.height
    return _ranked(charts.leaderboard(content.agent_leaderboard, top=max(count, 1), currency=content.currency), count)


def _ranked_brands(content: DashboardContent) -> Figure:
    count = content.brand_reputations.height
    return _ranked(charts.brand_reputation(content.brand_reputations, top=max(count, 1)), count)


def _performance(content: DashboardContent) -> Figure:
    """The first agent's chart, and what every agent's bars are: by rank, rounded to a tenth."""
    metrics, order = content.agent_performance_metrics, content.agent_leaderboard.sort("rank")["agent_id"].to_list()
    standing = {row[0]: row[1:] for row in charts.standings(metrics).iter_rows()}
    figure = _plain(charts.performance(metrics, order[0], currency=content.currency, title=""))
    figure["standings"] = [[None if part is None else round(part, 1) for part in standing[agent]] for agent in order]
    return figure


def _funnels(content: DashboardContent) -> dict[str, Figure]:
    names = dict(content.agent_leaderboard.select("agent_id", "agent_name").iter_rows())
    whole = {
        f"funnel:{name}:all": _plain(charts.funnel(content.conversion_funnels, name))
        for name in sorted(set(content.conversion_funnels["funnel"].to_list()))
    }
    split = {
        f"funnel:{name}:{by}": _plain(
            charts.funnel_by(content.funnels_by_breakdown[name, by], names=names if by == "agent" else None)
        )
        for name, by in content.sorted_breakdowns
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
