"""One of each chart, its titles, labels and hovers full of names that people should never have typed."""

from __future__ import annotations

from collections.abc import Callable

import plotly.graph_objects as go

from si_analytics import charts
from tests.support import dashboard_frames as frames
from tests.support import measure_frames as measured

AGENTS = frames.agents(30, moved=True, names=("Ana Souza", *frames.HOSTILE))
BRANDS = frames.brands(30, names=(None, *frames.HOSTILE))
BY_METHOD = frames.broken_down("invite", "method", ["email", "sms", frames.HOSTILE[0], "(none)"])

EVERY: dict[str, Callable[..., go.Figure]] = {
    "leaderboard": lambda **more: charts.leaderboard(AGENTS, top=14, **more),
    "performance": lambda **more: charts.performance(
        frames.performance(AGENTS), frames.agent_id(3), name=frames.HOSTILE[0], **more
    ),
    "brand_reputation": lambda **more: charts.brand_reputation(BRANDS, top=14, **more),
    "funnel": lambda **more: charts.funnel(frames.funnels(), "invite", **more),
    "funnel_by": lambda **more: charts.funnel_by(BY_METHOD, **more),
    "earnings": lambda **more: charts.earnings(frames.history(names=frames.HOSTILE), **more),
    "cohorts": lambda **more: charts.cohorts(frames.cohorts(), **more),
    "time_to_convert": lambda **more: charts.time_to_convert(
        frames.times(["email", *frames.HOSTILE], breakdown="method"), **more
    ),
    "experiments": lambda **more: charts.experiments(
        frames.experiments(names=("Spring offer", *frames.HOSTILE)), names={frames.agent_id(0): "Ana Souza"}, **more
    ),
    "measure_number": lambda **more: charts.measure(measured.whole(), **more),
    "measure_bars": lambda **more: charts.measure(measured.compared_by_tier(("Ana", *frames.HOSTILE)), **more),
    "measure_columns": lambda **more: charts.measure(measured.by_weekday(), **more),
    "measure_line": lambda **more: charts.measure(measured.compared_by_month(), **more),
    "measure_lines": lambda **more: charts.measure(
        measured.by_tier_and_month(frames.HOSTILE, measured.TAKE_RATE), **more
    ),
    "measure_stack": lambda **more: charts.measure(measured.by_tier_and_month(frames.HOSTILE), **more),
    "measure_grid": lambda **more: charts.measure(measured.by_tier_and_method(frames.HOSTILE), **more),
    "measure_hours": lambda **more: charts.measure(measured.by_weekday_and_hour(), **more),
    "monthly": lambda **more: charts.monthly(frames.monthly(), **more),
}


def unmarked(shown: str) -> str:
    """A text as read, without the marks that keep its direction to itself."""
    return shown.replace("\u2068", "").replace("\u2069", "")
